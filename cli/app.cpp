#include "cli/app.h"

#include <elfutils/libdwfl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <spdlog/version.h>
#include <unistd.h>

#include <exception>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/help_format.h"
#include "cli/terminal.h"
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

// The command's own messages go to standard error; the program's output stays the program's.
void set_up_messages() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>(
      wants_colour(STDERR_FILENO) ? spdlog::color_mode::always : spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>("socktrack", std::move(sink));
  logger->set_pattern("socktrack: %^%l%$: %v");
  spdlog::set_default_logger(std::move(logger));
}

// In the words of the parser, and where to look for what is right.
std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "" : " " + chosen.front()->get_name();
  const std::vector<std::string> left = app.remaining();
  const bool no_command = chosen.empty() && !left.empty() && !left.front().starts_with('-');
  return fmt::format("{}; see socktrack{} --help",
                     no_command ? fmt::format("there is no command '{}'", left.front()) : error.what(),
                     command);
}

int parse_and_run(int argc, const char* const* argv) {
  int exit_status = 0;
  const std::unique_ptr<CLI::App> app = make_app(exit_status);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // help and version come this way as well
    if (error.get_exit_code() == 0) return app->exit(error);
    throw Failure(kUsage, what_is_wrong(*app, error));
  }
  if (app->get_subcommands().empty()) throw Failure(kUsage, "no command given, see socktrack --help");
  return exit_status;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  set_up_messages();
  return exit_status_of([&] { return parse_and_run(argc, argv); });
}

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
  add_report_command(*app);
  add_check_command(*app, exit_status);
  add_scan_command(*app);
  add_close_command(*app, exit_status);
  add_mitigate_command(*app);
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
