// A preflight as text for people.
#pragma once

#include <string>

#include "cli/preflight.h"

namespace socktrack {

// "./serve.sh: its interpreter /usr/bin/node: It is …" without the advice.
std::string why(const std::string& asked, const Preflight& preflight);

// The whole answer of `socktrack check`, several lines.
std::string describe(const std::string& asked, const Preflight& preflight);

}  // namespace socktrack
