// What every test of an unmodified program asks: does it still do the same, and is it left unaccused?
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/socktrack.h"

namespace scenario {

inline const Arguments kHalfSecond = {"--grace", "500ms"};

// Why a program cannot be tested here, "" if it can. Programs built without a sanitizer cannot bear the
// preloaded runtime of one: its allocator stays locked in the child of a fork (nginx, redis), curl hangs in
// setlocale() with the runtime alone, and node and java map memory where the runtime keeps its own.
inline std::string why_not(const std::string& name) {
  if (find_program(name).empty()) return name + " is not installed";
  if (!sanitizer().empty()) return name + " cannot bear the preloaded runtime of a sanitizer";
  return "";
}

inline void expect_no_groups(const Json& report) {
  for (const Json& process : report.at("processes")) {
    EXPECT_THAT(process.at("groups"), testing::IsEmpty()) << process.dump(1);
    EXPECT_EQ(leaked(process), 0U);
  }
}

// Of all processes of this program.
inline std::uint64_t opened_by(const Json& report, const std::string& name) {
  std::uint64_t sum = 0;
  for (const Json& process : processes_of(report, name)) sum += opened(process);
  return sum;
}

// Runs it plain and tracked: same output, same status, no accusation, and at least `sockets` sockets seen.
inline void expect_unchanged_and_healthy(const Arguments& arguments, const std::string& exe,
                                         std::uint64_t sockets) {
  const Outcome plain = run(arguments);
  ASSERT_EQ(plain.status, 0) << plain.err;
  const Tracked tracked = track(kHalfSecond, arguments);
  EXPECT_EQ(tracked.outcome.status, plain.status) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, plain.out);
  expect_no_groups(tracked.report);
  EXPECT_GE(opened_by(tracked.report, exe), sockets) << "the recorder did not see every socket";
}

}  // namespace scenario
