#pragma once

#include <CLI/CLI.hpp>

#include "watch/options.h"

namespace socktrack {

// Adds an option whose value is a duration; `nanoseconds` must outlive the parsing.
inline CLI::Option* add_duration(CLI::App& command, const std::string& name, std::uint64_t& nanoseconds,
                                 const std::string& help) {
  const CLI::callback_t take = [name, &nanoseconds](const CLI::results_t& words) {
    if (parse_duration(words.back(), nanoseconds)) return true;
    throw CLI::ValidationError(name, "'" + words.back() + "' is not a duration like 500ms, 2s, 10m or 1h");
  };
  return command.add_option(name, take, help)->type_name("DURATION");
}

}  // namespace socktrack
