// Programs that look as if they leaked and do not: no group, no leak, and every socket was really seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::IsEmpty;

struct Healthy {
  std::string name;
  Arguments program_and_arguments;
  std::string grace;
  std::uint64_t sockets;  // TCP sockets the program opens, as the recorder must have seen them
};

void PrintTo(const Healthy& healthy, std::ostream* out) { *out << healthy.name; }

class HealthyPrograms : public testing::TestWithParam<Healthy> {};

TEST_P(HealthyPrograms, AreNotAccused) {
  if (sanitizer() == "thread" && GetParam().name == "cancel") {
    GTEST_SKIP() << "TSan counts its own ignores wrongly when a thread is cancelled";
  }
  const Healthy& healthy = GetParam();
  Arguments arguments = healthy.program_and_arguments;
  arguments.front() = program(arguments.front());
  const Tracked tracked = track({"--grace", healthy.grace, "--fail-on-leak"}, arguments);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  ASSERT_EQ(tracked.report.at("processes").size(), 1U) << tracked.report.dump(1);
  const Json& process = tracked.report.at("processes").front();
  EXPECT_THAT(process.at("groups"), IsEmpty()) << process.at("groups").dump(1);
  EXPECT_EQ(leaked(process), 0U);
  EXPECT_GE(opened(process), healthy.sockets) << "the recorder did not see every socket";
}

INSTANTIATE_TEST_SUITE_P(Healthy, HealthyPrograms,
                         testing::Values(Healthy{"half_close", {"half_close"}, "200ms", 7},
                                         Healthy{"dup_close", {"dup_close"}, "0", 13},
                                         Healthy{"close_range", {"close_many", "close_range"}, "0", 13},
                                         Healthy{"closefrom", {"close_many", "closefrom"}, "0", 13},
                                         Healthy{"close_range_syscall", {"close_many", "syscall"}, "0", 13},
                                         Healthy{"cancel", {"cancel"}, "0", 17},
                                         Healthy{"would_block", {"would_block"}, "0", 11}),
                         [](const auto& each) { return each.param.name; });

TEST(Healthy, DatagramsAreNeverAccused) {
  const Tracked tracked = track({"--grace", "0", "--fail-on-leak"}, {program("datagrams")});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  for (const Json& process : tracked.report.at("processes")) {
    EXPECT_THAT(process.at("groups"), IsEmpty()) << process.at("groups").dump(1);
  }
}

TEST(Healthy, StreamingIntoAHalfClosedConnectionIsNeverEvenSuspected) {
  const Tracked tracked = track({"--grace", "200ms"}, {program("half_close")});
  const Json process = process_of(tracked.report, "/half_close");
  EXPECT_EQ(opened(process), 7U);
  EXPECT_THAT(process.at("closed_late"), IsEmpty()) << process.dump(1);
}

TEST(Healthy, AProgramWithoutSocketsIsSaidToHaveNone) {
  const Tracked tracked = track({"--fail-on-leak"}, {"/bin/echo", "hello"});
  EXPECT_EQ(tracked.outcome.status, 0);
  EXPECT_EQ(tracked.outcome.out, "hello\n");
  for (const Json& process : tracked.report.at("processes")) {
    EXPECT_EQ(opened(process), 0U);
    EXPECT_THAT(process.at("groups"), IsEmpty());
  }
}

TEST(Healthy, DeadForLessThanTheGraceIsNoLeak) {
  const Tracked tracked = track({"--grace", "1h", "--fail-on-leak"}, {program("c_eof")});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  const Json process = process_of(tracked.report, "/c_eof");
  EXPECT_THAT(process.at("groups"), IsEmpty());
  EXPECT_EQ(leaked(process), 0U);
  EXPECT_THAT(summary(process.at("open_at_exit")), testing::ElementsAre("eof_not_closed 23 recv"));
}

TEST(Healthy, LateClosesAreToldApart) {
  const TempDir directory;
  Process held(tracked_command(directory, {"--grace", "200ms", "--json", directory / "report.json"},
                               {program("hold"), "4"}),
               base_environment());
  held.line();
  ASSERT_TRUE(eventually([&] {
    const Json report = report_of(directory / "recordings");
    const std::vector<Json> processes = processes_of(report, "/hold");
    return !processes.empty() && leaked(processes.front()) == 4;
  }));
  held.say("close\n");
  EXPECT_EQ(held.line(), "closed");
  const Outcome outcome = held.finish();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const Json process = process_of(read_report(directory / "report.json"), "/hold");
  EXPECT_THAT(process.at("groups"), IsEmpty());
  EXPECT_EQ(leaked(process), 0U);
  ASSERT_EQ(process.at("closed_late").size(), 1U) << process.dump(1);
  EXPECT_EQ(process.at("closed_late").front().at("late_closes"), 4);
}

TEST(Healthy, ClosedWithinTheGraceIsNeverSpokenOf) {
  const TempDir directory;
  Process held(tracked_command(directory, {"--grace", "1h", "--json", directory / "report.json"},
                               {program("hold"), "4"}),
               base_environment());
  held.line();
  held.say("close\n");
  EXPECT_EQ(held.line(), "closed");
  EXPECT_EQ(held.finish().status, 0);
  const Json process = process_of(read_report(directory / "report.json"), "/hold");
  EXPECT_EQ(opened(process), 9U);
  EXPECT_THAT(process.at("groups"), IsEmpty());
  EXPECT_THAT(process.at("closed_late"), IsEmpty());
  EXPECT_THAT(process.at("open_at_exit"), IsEmpty());
}

}  // namespace
}  // namespace scenario
