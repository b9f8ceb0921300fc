// Logging inside the program, by spdlog, on the scribe's thread only.
#pragma once

#include <string>

#include "watch/options.h"

namespace socktrack::log {

// Opens the sinks that the options name. Call on a thread with a private descriptor table.
void open(const Options& options);
// In a forked child: the parent's logger is left alone for ever (its locks may be held).
void forget();

void warn(const std::string& text);
void report(const std::string& text);  // as it is, line by line

}  // namespace socktrack::log
