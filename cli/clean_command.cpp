// socktrack clean [DIR...] [--keep N] [--size BYTES] [--dry-run]
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "cli/commands.h"
#include "cli/printable.h"
#include "cli/retention.h"
#include "cli/terminal.h"
#include "watch/output_dir.h"
#include "watch/words.h"

namespace socktrack {
namespace {

struct CleanRequest {
  std::vector<std::string> directories;
  RetentionLimits limits;
  bool dry_run = false;
};

int clean(const CleanRequest& request) {
  const auto& asked = request.directories;
  const Removal removal = clean_recordings(asked.empty() ? default_recordings_dirs() : asked, request.limits,
                                           request.dry_run ? Remove::no : Remove::yes);
  std::string text;
  for (const std::string& each : removal.removed)
    text += fmt::format("{} {}\n", request.dry_run ? "would remove" : "removed", printable(each));
  for (const std::string& each : removal.failed) spdlog::error("{}", printable(each));
  text += fmt::format("{}, {:.1f} MiB {}; {} kept, {} in use\n", counted(removal.removed.size(), "recording"),
                      static_cast<double>(removal.bytes) / (1 << 20), request.dry_run ? "to go" : "gone",
                      removal.kept, removal.in_use);
  write_out(text);
  return removal.failed.empty() ? 0 : kCannot;
}

}  // namespace

void add_clean_command(CLI::App& app, int& exit_status) {
  auto request = std::make_shared<CleanRequest>();
  CLI::App* command = app.add_subcommand("clean", "Remove recordings that ended programs left behind");
  command->add_option("dir", request->directories, "Where to look; none: where recordings lie by default")
      ->type_name("DIR...")
      ->check(CLI::ExistingDirectory);
  command->add_option("--keep", request->limits.count, "So many stay, the newest (200)")->type_name("N");
  command
      ->add_option(
          "--size",
          [request](const CLI::results_t& words) { return parse_size(words.back(), request->limits.bytes); },
          "... and no more than so much (256M)")
      ->type_name("SIZE");
  command->add_flag("--dry-run,-n", request->dry_run, "Only tell what would be removed");
  command->footer(
      "What a program may still be writing is never touched.\nExample:\n  socktrack clean --keep 10");
  command->callback([request, &exit_status] { exit_status = clean(*request); });
}

}  // namespace socktrack
