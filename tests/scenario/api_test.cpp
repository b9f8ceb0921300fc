// socktrack.h: what a program may say to socktrack and ask of it, loaded or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* kWithout = "active 0\npool 0\npool of none 0\nignore 0\nleaks 0\nleaks 0\n";
constexpr const char* kLoaded = "active 1\npool 0\npool of none -1\nignore 0\nleaks 1\nleaks 0\n";

// As distributions build, and at a fixed address, where weak symbols are easily lost.
std::vector<std::string> programs() {
  std::vector<std::string> names{"api"};
  if (access(program("api_fixed").c_str(), X_OK) == 0) names.emplace_back("api_fixed");
  return names;
}

TEST(Api, DoesNothingWithoutTheLibrary) {
  for (const std::string& name : programs()) EXPECT_EQ(run({program(name)}).out, kWithout) << name;
}

TEST(Api, AnswersInEveryKindOfProgram) {
  for (const std::string& name : programs()) {
    const TempDir directory;
    // A grace that never ends: the answer does not wait for it.
    const Environment environment = preload_environment(directory, {{"SOCKTRACK_GRACE", "1h"}});
    const Outcome outcome = run({program(name)}, environment);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.out, kLoaded) << name;
    EXPECT_EQ(track({"--grace", "1h"}, {program(name)}).outcome.out, kLoaded) << name;
  }
}

TEST(Api, WithoutAWatcherThread) {
  const Tracked tracked = track({"--watcher", "off"}, {program("api"), "report"});
  EXPECT_EQ(tracked.outcome.out, kLoaded);
}

TEST(Api, AnAnswerCountsAsLeakedAndThePoolIsNamed) {
  const Tracked tracked = track({"--grace", "1h", "--fail-on-leak"}, {program("api"), "leak"});
  EXPECT_EQ(tracked.outcome.status, 23);
  const Json process = process_of(tracked.report, "/api");
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 1 recv"));
  EXPECT_EQ(process.at("groups")[0].at("pools"), Json({"replies"}));
  EXPECT_THAT(process.at("groups")[0].at("open_stack"), Calls("leak_one"));
  EXPECT_THAT(process.at("open_at_exit"), SizeIs(0)) << "the ignored one is not accused at the end either";
  EXPECT_THAT(tracked.outcome.err, HasSubstr("named by the program: replies"));
}

TEST(Api, TheReportIsWrittenIfAskedFor) {
  const TempDir directory;
  const Environment environment = preload_environment(directory, {{"SOCKTRACK_GRACE", "1h"}});
  EXPECT_THAT(run({program("api"), "report"}, environment).err, HasSubstr("leak_one"));
  EXPECT_THAT(run({program("api")}, environment).err, Not(HasSubstr("leak_one")));
}

TEST(Api, SuppressedGroupsDoNotCount) {
  const Tracked tracked = track({"--ignore", "*"}, {program("api")});
  EXPECT_THAT(tracked.outcome.out, HasSubstr("leaks 0\nleaks 0\n"));
}

TEST(Listener, FailsTheTestThatForgetsAndNoOther) {
  const Arguments all{example("no_leak_test"), "--gtest_also_run_disabled_tests"};
  const TempDir directory;
  EXPECT_EQ(run(all).status, 0) << "without the library it is as if it were not there";
  for (const Outcome& outcome : {track({}, all).outcome, run(all, preload_environment(directory))}) {
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("Client.DISABLED_ForgetsToClose leaked 1 socket(s)"));
    EXPECT_THAT(outcome.out, HasSubstr("1 FAILED TEST"));
    EXPECT_THAT(outcome.err, HasSubstr("read_to_end")) << "the report says where";
  }
}

TEST(Listener, IsSilentAboutTestsThatClose) {
  const Tracked tracked = track({"--fail-on-leak", "--grace", "0"}, {example("no_leak_test")});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_THAT(tracked.outcome.out, HasSubstr("[  PASSED  ] 3 tests"));
}

}  // namespace
}  // namespace scenario
