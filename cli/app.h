// The command line of `socktrack` as data: what parses it, writes its help and its completion, and what the
// manual pages are compared with.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace socktrack {

// All commands. When one is chosen by parse(), it runs and sets `exit_status`, which must outlive the result.
std::unique_ptr<CLI::App> make_app(int& exit_status);

std::vector<const CLI::App*> commands_of(const CLI::App& app);

// All options of a command, those of its option groups included.
std::vector<const CLI::Option*> options_of(const CLI::App& command);

// What an issue should say about the build, after the line that scripts read.
// All of `socktrack`; returns its exit status. Messages go to standard error.
int run_command_line(int argc, const char* const* argv);

std::string version_text();

}  // namespace socktrack
