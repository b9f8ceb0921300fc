#include "cli/app.h"

#include <elfutils/libdwfl.h>
#include <fmt/format.h>
#include <spdlog/version.h>

#include "cli/commands.h"
#include "cli/help_format.h"
#include "socktrack/recording.h"

namespace socktrack {
namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  socktrack run -- ./server        run it, report leaks by file and line\n"
    "  socktrack run --fail-on-leak -- ./test     a gate for CI: 23 if it leaked\n"
    "  socktrack scan --all             what runs already: nothing is injected\n"
    "  socktrack close PID --group eof_not_closed    send the FIN it owes\n"
    "Without this command: LD_PRELOAD=libsocktrack.so SOCKTRACK_GRACE=2s ./server\n"
    "Exit status: 0 fine, 1 could not be done, 2 wrong usage, 3 will not work here. "
    "More: man socktrack-COMMAND, socktrack COMMAND --help.";

}  // namespace

std::string version_text() {
  return fmt::format(
      "socktrack {}\nrecordings: layout {}\nbuilt with: {} {}, glibc {}.{}, CLI11 {}, fmt {}, spdlog "
      "{}.{}.{}\nnames: elfutils {}",
      SOCKTRACK_VERSION, kLayoutVersion,
#ifdef __clang__
      "clang", __clang_version__,
#else
      "gcc", __VERSION__,
#endif
      __GLIBC__, __GLIBC_MINOR__, CLI11_VERSION, FMT_VERSION, SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR,
      SPDLOG_VER_PATCH, dwfl_version(nullptr));
}

std::unique_ptr<CLI::App> make_app(int& exit_status) {
  auto app = std::make_unique<CLI::App>(
      "Names the line of code that forgot to close() a socket, on the unmodified program.", "socktrack");
  app->formatter(std::make_shared<HelpFormat>());
  app->set_version_flag("--version", version_text());
  app->require_subcommand(0, 1);
  app->footer(kExamples);
  add_run_command(*app, exit_status);
  add_report_command(*app, exit_status);
  add_check_command(*app, exit_status);
  add_scan_command(*app, exit_status);
  add_close_command(*app, exit_status);
  add_mitigate_command(*app, exit_status);
  add_top_command(*app, exit_status);
  add_clean_command(*app, exit_status);
  add_completion_command(*app, exit_status);
  return app;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  std::vector<const CLI::App*> commands = app.get_subcommands([](const CLI::App*) { return true; });
  std::erase_if(commands, [](const CLI::App* each) { return each->get_name().empty(); });  // option groups
  return commands;
}

std::vector<const CLI::Option*> options_of(const CLI::App& command) {
  std::vector<const CLI::Option*> options = command.get_options();
  for (const CLI::App* group : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!group->get_name().empty()) continue;
    for (const CLI::Option* option : options_of(*group)) {
      if (option != group->get_help_ptr()) options.push_back(option);
    }
  }
  return options;
}

}  // namespace socktrack
