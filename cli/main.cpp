// socktrack: which line of code forgot to close() the socket.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <exception>
#include <memory>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace {

// The command's own messages go to standard error; the program's output stays the program's.
void set_up_messages() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>(
      socktrack::wants_colour(STDERR_FILENO) ? spdlog::color_mode::always : spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>("socktrack", std::move(sink));
  logger->set_pattern("socktrack: %^%l%$: %v");
  spdlog::set_default_logger(std::move(logger));
}

int run(int argc, char** argv) {
  int exit_status = 0;
  const std::unique_ptr<CLI::App> app = socktrack::make_app(exit_status);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // help and version come this way as well
    return app->exit(error) == 0 ? 0 : socktrack::kUsage;
  }
  if (app->get_subcommands().empty()) {
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
