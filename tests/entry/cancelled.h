// A thread that waits in a call until it is cancelled there.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>

#include "peers.h"

namespace entry {

// Runs `call` in a thread, cancels it once it sleeps there, and expects that it is unwound: its destructors
// run, once.
template <typename Call>
void expect_clean_cancellation(Call call) {
  struct Waiting {
    Call& call;
    std::atomic<pid_t> tid{0};
    std::atomic<int> cleaned{0};
  } waiting{call};
  const auto body = [](void* argument) -> void* {
    struct Counter {
      std::atomic<int>& count;
      ~Counter() { count++; }
    };
    auto& mine = *static_cast<Waiting*>(argument);
    const Counter counter{mine.cleaned};
    mine.tid = gettid();
    mine.call();
    return nullptr;
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, nullptr, body, &waiting), 0);
  while (waiting.tid == 0) sched_yield();
  await_sleep(waiting.tid);
  ASSERT_EQ(pthread_cancel(thread), 0);
  void* result = nullptr;
  ASSERT_EQ(pthread_join(thread, &result), 0);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_EQ(waiting.cleaned, 1);
}

}  // namespace entry
