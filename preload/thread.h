// Threads of ours inside the program, and how they wait. Safe after fork; no allocation but the thread's
// stack.
#pragma once

#include <linux/futex.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

#include "watch/raw_syscall.h"

namespace socktrack {

// Starts a detached thread with all signals blocked: the program's handlers run on its own threads only.
// `callers_mask`: where to keep what the calling thread blocks, or nullptr.
inline bool start_thread(void* (*body)(void*), std::size_t stack_bytes, sigset_t* callers_mask = nullptr) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (callers_mask != nullptr) *callers_mask = before;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, body, nullptr) == 0;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

// Returns when `word` is no longer `seen`, was woken, or the time is over.
inline void wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t seen,
                            std::uint64_t nanoseconds) {
  const timespec limit{static_cast<time_t>(nanoseconds / 1'000'000'000),
                       static_cast<long>(nanoseconds % 1'000'000'000)};
  raw_syscall(SYS_futex, reg(&word), FUTEX_WAIT_PRIVATE, static_cast<long>(seen), reg(&limit));
}

inline void wake_all(const std::atomic<std::uint32_t>& word) {
  raw_syscall(SYS_futex, reg(&word), FUTEX_WAKE_PRIVATE, INT32_MAX);
}

// Waits, at most a second, until the kernel has forgotten a thread that was told to end. A thread that was
// just started has not stored its number yet.
inline bool await_end_of_thread(std::uint32_t pid, std::atomic<std::uint32_t>& thread) {
  constexpr timespec kPause{0, 50'000};
  for (int i = 0; i < 20'000; i++) {
    const std::uint32_t id = thread.load(std::memory_order_acquire);
    if (id != 0 && raw_syscall(SYS_tgkill, pid, id, 0) == -ESRCH) {
      thread.store(0, std::memory_order_relaxed);
      return true;
    }
    raw_syscall(SYS_nanosleep, reg(&kPause), 0);
  }
  return false;
}

}  // namespace socktrack
