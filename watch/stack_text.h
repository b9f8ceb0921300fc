// Frames and stacks as people read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "watch/report.h"

namespace socktrack {

// Names come from other people's programs and files: no control character of theirs may reach the terminal or
// the log.
std::string clean(std::string_view text);

std::string clean_base_name(std::string_view path);

// "handle_client", "0x4011d6"; very long names are cut.
std::string function_text(const Frame& frame);

// "app/server.c:61", "(libc.so.6)", "(Net.java)".
std::string place_text(const Frame& frame);

// The lines of one stack without line ends, innermost first: "#0  handle_client  server.c:61". Beside frames
// of a Java program, runs of the JDK's are one line: "... 5 frames of the JDK". What is deeper than 16 lines
// becomes
// "... n more".
std::vector<std::string> stack_lines(const std::vector<Frame>& frames);

}  // namespace socktrack
