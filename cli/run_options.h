// The settings of `socktrack run`: those of the library (watch/options.h) and its own, from the command
// line and from the environment, and what the program is given of them.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "watch/options.h"

namespace socktrack {

struct RunOptions {
  std::map<std::string, CLI::Option*> settings;  // by the names of kOptionNames; owned by the CLI::App
  bool quiet = false;
  std::vector<std::string> program;  // with its arguments
};

// `options` must live as long as `command`.
void add_run_options(CLI::App& command, RunOptions& options);

// The settings in force: the command line over the environment. Throws Failure (usage) for a bad value;
// unknown SOCKTRACK_ variables are only warned of.
Options effective_options(const RunOptions& options);

// The environment of the program: ours, the settings in force, the library preloaded after
// `first_preloads` (in that order, "" is skipped) and before what LD_PRELOAD held already.
std::vector<std::string> program_environment(const RunOptions& given, const Options& options,
                                             const std::string& directory, const std::string& library,
                                             const std::vector<std::string>& first_preloads);

}  // namespace socktrack
