// What `socktrack top` does when somebody has confirmed it.
#pragma once

#include <string>
#include <vector>

#include "cli/top_model.h"

namespace socktrack {

// The rungs that may be ordered from outside.
std::vector<std::string> rungs_offered();

// Carries the order out, and tells in one line what came of it. Errors are told in the same way.
std::string carry_out(const TopOrder& order);

}  // namespace socktrack
