// What a thread of another process is blocked in, as the kernel tells it without stopping the thread.
#pragma once

#include <optional>
#include <string>

namespace socktrack {

struct SystemCall {
  long number;
  const char* name;
  bool on_descriptor;  // the first argument is a descriptor
  bool restartable;    // may be issued again after EINTR: a call that failed so has done nothing
};

// nullptr for calls nobody waits in. Never add close() as restartable: its descriptor is already free
// when it fails, and may by then belong to another thread.
const SystemCall* find_system_call(long number);

struct BlockedIn {
  long number = -1;  // -1 = in no system call
  unsigned long long first_argument = 0;
};

// Of /proc/PID/task/TID/syscall. Empty if the thread runs, has ended, or may not be looked at.
std::optional<BlockedIn> blocked_in(int pid, int tid);

// "recvfrom(fd 7)", "futex", "system call 435", "running".
std::string describe(const std::optional<BlockedIn>& blocked);

}  // namespace socktrack
