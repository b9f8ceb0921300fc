// The exit status is the program's; signals reach it; --fail-on-leak only speaks when it succeeded.
#include <gtest/gtest.h>
#include <signal.h>

#include "harness/socktrack.h"

namespace scenario {
namespace {

int status_of(const Arguments& options, const Arguments& program_and_arguments) {
  const TempDir directory;
  return run(tracked_command(directory, options, program_and_arguments), base_environment()).status;
}

TEST(ExitStatus, IsTheProgramsOwn) {
  EXPECT_EQ(status_of({}, {program("exit_with"), "0"}), 0);
  EXPECT_EQ(status_of({}, {program("exit_with"), "3"}), 3);
  EXPECT_EQ(status_of({}, {program("exit_with"), "255"}), 255);
  EXPECT_EQ(status_of({}, {program("exit_with"), "3", "leak"}), 3);
}

TEST(ExitStatus, OfAKilledProgramIs128PlusTheSignal) {
  EXPECT_EQ(status_of({}, {program("exit_with"), "-15"}), 143);
  EXPECT_EQ(status_of({}, {program("exit_with"), "-9", "leak"}), 137);
  EXPECT_EQ(status_of({}, {program("exit_with"), "-11"}), 139);
}

TEST(ExitStatus, OfAProgramFoundOnThePath) { EXPECT_EQ(status_of({}, {"false"}), 1); }

TEST(ExitStatus, FailOnLeak) {
  const Arguments leaking{program("exit_with"), "0", "leak"};
  EXPECT_EQ(status_of({"--grace", "0"}, leaking), 0) << "only if asked";
  EXPECT_EQ(status_of({"--grace", "0", "--fail-on-leak"}, leaking), 23);
  EXPECT_EQ(status_of({"--grace", "0", "--fail-on-leak=7"}, leaking), 7);
}

TEST(ExitStatus, FailOnLeakWithoutALeak) {
  EXPECT_EQ(status_of({"--grace", "0", "--fail-on-leak"}, {program("exit_with"), "0"}), 0);
  EXPECT_EQ(status_of({"--grace", "0", "--fail-on-leak"}, {program("fin_unread")}), 0)
      << "an unread FIN is a finding, not a leak";
}

TEST(ExitStatus, TheProgramsOwnFailureWins) {
  EXPECT_EQ(status_of({"--grace", "0", "--fail-on-leak"}, {program("exit_with"), "3", "leak"}), 3);
  EXPECT_EQ(status_of({"--grace", "0", "--fail-on-leak"}, {program("exit_with"), "-15", "leak"}), 143);
}

TEST(ExitStatus, FailOnLeakFromTheEnvironment) {
  const TempDir directory;
  Environment environment = base_environment();
  environment["SOCKTRACK_FAIL_ON_LEAK"] = "9";
  environment["SOCKTRACK_GRACE"] = "0";
  const Outcome outcome =
      run(tracked_command(directory, {}, {program("exit_with"), "0", "leak"}), environment);
  EXPECT_EQ(outcome.status, 9) << outcome.err;
}

TEST(Signals, ReachTheProgram) {
  const TempDir directory;
  Process held(tracked_command(directory, {}, {program("hold"), "2"}), base_environment());
  held.line();
  held.send_signal(SIGTERM);
  EXPECT_EQ(held.line(), "term");
  EXPECT_EQ(held.wait().status, 7);
}

TEST(Signals, ThatKillTheProgramAreItsStatus) {
  const TempDir directory;
  Process held(tracked_command(directory, {}, {program("hold"), "2"}), base_environment());
  held.line();
  held.send_signal(SIGINT);
  EXPECT_EQ(held.wait().status, 130);
}

TEST(Signals, TheReportIsWrittenAfterThem) {
  if (sanitizer() == "thread") GTEST_SKIP() << "TSan puts the program's signal handler off while it waits";
  const TempDir directory;
  Process held(tracked_command(directory, {"--grace", "0", "--json", directory / "report.json"},
                               {program("hold"), "2"}),
               base_environment());
  held.line();
  held.send_signal(SIGTERM);
  EXPECT_EQ(held.wait().status, 7);
  const Json process = process_of(read_report(directory / "report.json"), "/hold");
  EXPECT_EQ(leaked(process), 2U);
  EXPECT_EQ(process.at("exit"), 7);
}

TEST(StandardStreams, AreTheProgramsOwn) {
  const TempDir directory;
  Process cat(tracked_command(directory, {}, {"cat"}), base_environment());
  cat.say("hello\n");
  EXPECT_EQ(cat.line(), "hello");
  const Outcome outcome = cat.finish();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "hello\n");
}

// The frame of code that is not there any more.
TEST(ExitStatus, OfAProgramThatUnloadsTheCodeThatCalledExit) {
  for (const char* way : {"", "in_handler"}) {
    const TempDir directory;
    const Outcome outcome = run({program("gone_caller"), program("plugin.so"), way},
                                preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
    EXPECT_EQ(outcome.out, "closed\n") << way;
    EXPECT_EQ(outcome.status, 5) << way << outcome.err;
  }
}

}  // namespace
}  // namespace scenario
