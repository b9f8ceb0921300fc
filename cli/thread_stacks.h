// What each thread of a living process is doing now, unwound from outside with libunwind.
#pragma once

#include <string>
#include <vector>

#include "watch/names.h"
#include "watch/report.h"

namespace socktrack {

struct ThreadStack {
  int tid = 0;
  std::string name;           // /proc/PID/task/TID/comm
  std::string doing;          // "recvfrom(fd 7)", "futex", "running"
  std::vector<Frame> frames;  // innermost first; empty if it could not be unwound
  std::string problem;        // why not, as a sentence; "" = unwound
};

// Seizes one thread at a time, unwinds it, restarts the system call it interrupted (the program sees
// no EINTR) and lets it go. Throws std::runtime_error with a sentence if the process cannot be looked
// at as a whole (no such process, no permission).
std::vector<ThreadStack> thread_stacks(int pid, Names& names);

}  // namespace socktrack
