// socktrack: which line of code forgot to close() the socket.
#include <elfutils/libdwfl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <exception>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "socktrack/recording.h"

namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  socktrack run -- ./server            run it, report the leaks by file and line when it ends\n"
    "  socktrack run --fail-on-leak -- ./test    exit with 23 if it leaked: a gate for CI\n"
    "  socktrack report DIR                 show recordings again, also of a program that still runs\n"
    "  socktrack report --stacks PID        ... and what each of its threads is doing now\n"
    "  socktrack scan --all                 dead sockets of what runs already: nothing is injected\n"
    "  socktrack close PID --group eof_not_closed    send the FIN it owes; the numbers stay its own\n"
    "  socktrack check ./server             will it work here, and if not, why\n"
    "The library works without this command: LD_PRELOAD=libsocktrack.so SOCKTRACK_GRACE=2s ./server\n"
    "Exit status: 0 fine, 1 could not be done, 2 wrong usage, 3 will not work here; run: see its --help.";

// Strips what CLI11 writes for flags with a value of their own: "--no-x{false}" is "--no-x".
class PlainFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, positional);
    for (auto open = name.find('{'); open != std::string::npos; open = name.find('{')) {
      name.erase(open, name.find('}', open) - open + 1);
    }
    return name;
  }
};

// The command's own messages go to standard error; the program's output stays the program's.
void set_up_messages() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>(
      socktrack::wants_colour(STDERR_FILENO) ? spdlog::color_mode::always : spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>("socktrack", std::move(sink));
  logger->set_pattern("socktrack: %^%l%$: %v");
  spdlog::set_default_logger(std::move(logger));
}

// What an issue should say about the build, after the line that scripts read.
std::string version_text() {
  return fmt::format(
      "socktrack {}\nrecordings: layout {}\nbuilt with: {} {}, glibc {}.{}, CLI11 {}, fmt {}\nnames: "
      "elfutils {}",
      SOCKTRACK_VERSION, socktrack::kLayoutVersion,
#ifdef __clang__
      "clang", __clang_version__,
#else
      "gcc", __VERSION__,
#endif
      __GLIBC__, __GLIBC_MINOR__, CLI11_VERSION, FMT_VERSION, dwfl_version(nullptr));
}

int run(int argc, char** argv) {
  int exit_status = 0;
  CLI::App app("Names the line of code that forgot to close() a socket, on the unmodified program.",
               "socktrack");
  app.formatter(std::make_shared<PlainFormatter>());
  app.set_version_flag("--version", version_text());
  app.require_subcommand(0, 1);
  app.footer(kExamples);
  socktrack::add_run_command(app, exit_status);
  socktrack::add_report_command(app, exit_status);
  socktrack::add_check_command(app, exit_status);
  socktrack::add_scan_command(app, exit_status);
  socktrack::add_close_command(app, exit_status);
  socktrack::add_completion_command(app, exit_status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // help and version come this way as well
    return app.exit(error) == 0 ? 0 : socktrack::kUsage;
  }
  if (app.get_subcommands().empty()) {
    spdlog::error("no command given, see socktrack --help");
    return socktrack::kUsage;
  }
  return exit_status;
}

}  // namespace

int main(int argc, char** argv) {
  socktrack::fill_standard_descriptors();
  set_up_messages();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return socktrack::kCannot;
  }
}
