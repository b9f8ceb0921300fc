// Which frames of a stack are the program's own? Those lead to the fix; libc and the libraries that only pass
// a call on do not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "watch/report.h"

namespace socktrack {

// Code that every program runs: the C and C++ libraries, the loader, sanitizers, socktrack.
bool is_system_library(std::string_view module_path);

// "a::(anonymous namespace)::f(int) const" is "a::(anonymous namespace)::f".
std::string without_parameters(const std::string& function);

// The frame to name in one sentence: the innermost one of the program's own code that has a name, else the
// innermost line of another language, else the innermost one with a name; nullptr if there is none.
const Frame* telling_frame(const std::vector<Frame>& stack);

// "conn_free (conn.c:88)", "conn_free (server)", "" if the stack has no name at all.
std::string telling_place(const std::vector<Frame>& stack);

}  // namespace socktrack
