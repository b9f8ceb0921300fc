// The harness must be able to fail: a judge that accepts everything proves nothing.
#include <gtest/gtest.h>

#include <stdexcept>

#include "harness/socktrack.h"

namespace scenario {
namespace {

TEST(Harness, RefusesWhatBreaksTheSchema) {
  EXPECT_ANY_THROW(parse_report(""));
  EXPECT_THROW(parse_report("{}"), std::runtime_error);
  EXPECT_THROW(parse_report(R"({"schema": "other/1", "complete": true, "processes": [], "notes": []})"),
               std::runtime_error);
  EXPECT_NO_THROW(
      parse_report(R"({"schema": "socktrack.report/1", "complete": true, "processes": [], "notes": []})"));
}

TEST(Harness, StatusIsThatOfAShell) {
  EXPECT_EQ(run({"/bin/sh", "-c", "exit 3"}).status, 3);
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -TERM $$"}).status, 143);
  EXPECT_EQ(run({"/nonexistent/program"}).status, 127);
}

TEST(Harness, StreamsAreKeptApart) {
  Process shell({"/bin/sh", "-c", "read line; echo \"out $line\"; echo err >&2"});
  shell.say("in\n");
  EXPECT_EQ(shell.line(), "out in");
  EXPECT_THROW(shell.line(), std::runtime_error);
  const Outcome outcome = shell.finish();
  EXPECT_EQ(outcome.out, "out in\n");
  EXPECT_EQ(outcome.err, "err\n");
}

TEST(Harness, ProgramsStartWithoutOurEnvironment) {
  setenv("SOCKTRACK_GRACE", "1s", 1);
  const Outcome outcome = run({"env"});
  unsetenv("SOCKTRACK_GRACE");
  EXPECT_EQ(outcome.out.find("SOCKTRACK_"), std::string::npos);
  EXPECT_EQ(outcome.out.find("LD_PRELOAD"), std::string::npos);
}

}  // namespace
}  // namespace scenario
