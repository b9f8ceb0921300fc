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

struct ThreadStart {
  void* (*body)(void*);
  std::atomic<std::uint32_t> begun{0};
};

// Counts threads at their end, so that who awaited one also sees what it wrote.
inline std::atomic<std::uint32_t> ended_threads{0};

inline void* begin_thread(void* argument) {
  auto* start = static_cast<ThreadStart*>(argument);
  void* (*body)(void*) = start->body;
  start->begun.store(1, std::memory_order_release);
  wake_all(start->begun);  // the creator may be gone from here on: the address is only looked up, not read
  void* result = body(nullptr);
  ended_threads.fetch_add(1, std::memory_order_release);
  return result;
}

// Starts a detached thread with all signals blocked: the program's handlers run on its own threads only.
// Returns when it runs.
//   Hazard: libc marks a thread that does not run yet. A child made by a raw clone in that moment has the
//   mark and no thread to take it away, and its setuid() waits for that for ever (vsftpd).
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
  ThreadStart start{body};
  const bool started = pthread_create(&thread, &attributes, begin_thread, &start) == 0;
  pthread_attr_destroy(&attributes);
  while (started && start.begun.load(std::memory_order_acquire) == 0) {
    wait_for_change(start.begun, 0, 1'000'000'000);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

// Waits, at most a second, until the kernel has forgotten a thread that was told to end. A thread that was
// just started has not stored its number yet.
inline bool await_end_of_thread(std::uint32_t pid, std::atomic<std::uint32_t>& thread) {
  constexpr timespec kPause{0, 50'000};
  for (int i = 0; i < 20'000; i++) {
    const std::uint32_t id = thread.load(std::memory_order_acquire);
    if (id != 0 && raw_syscall(SYS_tgkill, pid, id, 0) == -ESRCH) {
      thread.store(0, std::memory_order_relaxed);
      static_cast<void>(ended_threads.load(std::memory_order_acquire));
      return true;
    }
    raw_syscall(SYS_nanosleep, reg(&kPause), 0);
  }
  return false;
}

}  // namespace socktrack
