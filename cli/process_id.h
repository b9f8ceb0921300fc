// Numbers of processes on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace socktrack {

inline CLI::Validator process_id() {
  return {[](const std::string& text) {
            const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
            return digits && text.find_first_not_of('0') != std::string::npos
                       ? std::string()
                       : "'" + text + "' is not the number of a process";
          },
          ""};
}

}  // namespace socktrack
