// socktrack scan [PID...|--all] [--json] [--watch 10s] [--stacks]
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "cli/commands.h"
#include "cli/duration_option.h"
#include "cli/dwarf_names.h"
#include "cli/process_id.h"
#include "cli/scan.h"
#include "cli/terminal.h"

namespace socktrack {
namespace {

constexpr std::size_t kSocketsInJson = 100;

struct Asked {
  ScanRequest request;
  bool json = false;
  std::uint64_t again_after_ns = 0;
  std::uint64_t grace_ns = 1'000'000'000;
};

void scan_once_or_more(Asked& asked) {
  asked.request.grace_s = static_cast<double>(asked.grace_ns) / 1e9;
  asked.request.sockets_listed = asked.json ? kSocketsInJson : ScanRequest{}.sockets_listed;
  const std::unique_ptr<Names> names = make_dwarf_names();
  ScanCounts before;
  for (bool first = true;; first = false) {
    const Scan now = scan(asked.request, *names);
    if (asked.json) {
      write_out(render_scan_json(now, asked.again_after_ns != 0));
    } else {
      write_out((first ? "" : "\n" + now.taken + "\n") +
                render_scan_text(now, wants_colour(STDOUT_FILENO), first ? nullptr : &before));
    }
    if (asked.again_after_ns == 0) return;
    before = counts_of(now);
    std::this_thread::sleep_for(std::chrono::nanoseconds(asked.again_after_ns));
  }
}

}  // namespace

void add_scan_command(CLI::App& app) {
  auto asked = std::make_shared<Asked>();
  CLI::App* command =
      app.add_subcommand("scan", "Look at running processes from outside: nothing is injected");
  CLI::Option* pids = command->add_option("pid", asked->request.pids, "Processes; none: all of your own")
                          ->type_name("PID...")
                          ->check(process_id());
  command->add_flag("--all", asked->request.all, "Those of other users as well")->excludes(pids);
  command->add_flag("--json", asked->json, "Write JSON; with --watch one line for each look");
  add_duration(*command, "--watch", asked->again_after_ns, "Look again after so long, until interrupted");
  command->add_flag("--stacks", asked->request.stacks,
                    "Add what the threads are doing: each is stopped for a moment, and sees no EINTR");
  add_duration(*command, "--grace", asked->grace_ns, "Dead for less is not spoken of (1s)");
  command->footer(
      "Any program will do: static, Go, musl, Java. Your own need no privilege; root sees all.\n"
      "Example:\n"
      "  socktrack scan --stacks $(pidof server)\n"
      "Exit status: 0 it was looked at, whatever was found; 1 it could not be, 2 wrong usage.");
  command->callback([asked] { scan_once_or_more(*asked); });
}

}  // namespace socktrack
