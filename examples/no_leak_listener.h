// A GoogleTest listener that fails each test that leaks a socket. Copy it: it needs socktrack.h and nothing
// to link. Without libsocktrack.so loaded it does nothing.
//
//   socktrack run -- ./tests        or        LD_PRELOAD='/usr/local/$LIB/libsocktrack.so' ./tests
#pragma once

#include <gtest/gtest.h>
#include <socktrack/socktrack.h>

class NoLeakListener : public testing::EmptyTestEventListener {
 public:
  // What was there before, or was leaked by an earlier test, is not this one's doing.
  void OnTestStart(const testing::TestInfo&) override { before_ = socktrack_leaks_now(SOCKTRACK_QUIET); }

  void OnTestEnd(const testing::TestInfo& test) override {
    const unsigned long now = socktrack_leaks_now(SOCKTRACK_QUIET);
    if (now <= before_) return;
    socktrack_leaks_now(SOCKTRACK_REPORT);
    ADD_FAILURE() << test.test_suite_name() << "." << test.name() << " leaked " << now - before_
                  << " socket(s)";
  }

 private:
  unsigned long before_ = 0;
};
