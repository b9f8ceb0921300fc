// The end of a program whose main thread has left by pthread_exit: libc ends the process with exit(0) when
// the last thread returns. Ours count among them and never return by themselves.
//   Hazard: the process would stay for ever, deaf to SIGTERM (the main thread is dead, ours block signals).
//   Rule: once the main thread is gone, the prober looks often whether anybody else is left, and leaves.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>

namespace socktrack::last_thread {

void main_leaves();   // said by the hook of pthread_exit
bool main_is_gone();  // at most one system call
void after_fork();

// How many threads there are beside the main thread's remains, `ours` taken off. Large if nobody can tell
// (no /proc).
unsigned programs_threads(unsigned ours);

// Starts a thread that is the program's in all but name: default stack, signals as `mask` says. It waits
// until the thread in `prober` has ended, and its return ends the process. False: it could not be started.
bool start_stand_in(const sigset_t& mask, std::atomic<std::uint32_t>& prober);

}  // namespace socktrack::last_thread
