// socktrack check PROGRAM|PID
#include <algorithm>
#include <charconv>
#include <memory>

#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/library_path.h"
#include "cli/preflight.h"
#include "cli/terminal.h"

namespace socktrack {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Preflight look_at(const std::string& what) {
  if (!is_number(what)) return check_program(what);
  int pid = 0;
  const auto parsed = std::from_chars(what.data(), what.data() + what.size(), pid);
  return check_process(parsed.ec == std::errc{} ? pid : 0);
}

int status_of(Preflight::Answer answer) {
  switch (answer) {
    case Preflight::Answer::yes:
    case Preflight::Answer::unknown:
      return 0;
    case Preflight::Answer::no:
      return kWillNotWork;
    case Preflight::Answer::not_executable:
    case Preflight::Answer::missing:
      break;
  }
  return kCannot;
}

int check(const std::string& what) {
  Preflight preflight = look_at(what);
  std::string problem;
  if (status_of(preflight.answer) == 0 && find_library(problem).empty()) {
    preflight.answer = Preflight::Answer::no;
    preflight.reason = problem;
    preflight.advice.clear();
  }
  write_out(describe(is_number(what) ? "process " + what : what, preflight));
  return status_of(preflight.answer);
}

}  // namespace

void add_check_command(CLI::App& app, int& exit_status) {
  auto what = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("check", "Tell whether a program can be tracked, and why not");
  command->add_option("what", *what, "A program, or the id of a running process (./123 is a program)")
      ->required()
      ->type_name("PROGRAM|PID");
  command->footer(
      "Example:\n  socktrack check ./server\n"
      "Exit status: 0 it can be tracked (or only its start will tell), 3 it cannot, 1 there is no such "
      "thing.");
  command->callback([what, &exit_status] { exit_status = check(*what); });
}

}  // namespace socktrack
