// What the threads of another process are blocked in, without stopping any of them.
#pragma once

#include <vector>

#include "cli/scan.h"

namespace socktrack {

// Most common first. Empty if the process is gone or may not be looked at.
std::vector<ThreadActivity> thread_activity(int pid);

}  // namespace socktrack
