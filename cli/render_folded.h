// Stacks as flame graph tools read them: "process;outermost;...;innermost count", one line each.
#pragma once

#include <string>

#include "watch/report.h"

namespace socktrack {

enum class FoldedBy { open_site, sighting_site };

// The sockets of all groups, leaks or not; a group without that stack is folded under "(not seen)".
std::string render_folded(const Report& report, FoldedBy by);

}  // namespace socktrack
