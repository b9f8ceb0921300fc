// Children: each process has its own recording, and a leak belongs to the one that leaks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The process whose pid is not `other`.
Json the_other(const std::vector<Json>& processes, const Json& one) {
  for (const Json& process : processes) {
    if (process.at("pid") != one.at("pid")) return process;
  }
  throw std::runtime_error("there is no other process");
}

class ForkedWorker : public testing::TestWithParam<const char*> {};

TEST_P(ForkedWorker, LeaksWhileItsParentIsHealthy) {
  const Tracked tracked = track({"--grace", "0"}, {program("fork_worker"), GetParam()});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  const std::vector<Json> processes = processes_of(tracked.report, "/fork_worker");
  ASSERT_EQ(processes.size(), 2U) << tracked.report.dump(1);
  const Json parent = with_most_opened(processes);
  const Json worker = the_other(processes, parent);
  EXPECT_EQ(opened(parent), 9U);
  EXPECT_THAT(parent.at("groups"), IsEmpty());
  EXPECT_EQ(opened(worker), 8U);
  ASSERT_THAT(summary(worker.at("groups")), ElementsAre("eof_not_closed 5 recv"));
  EXPECT_THAT(worker.at("groups").front().at("open_stack"), Calls("worker_serves"));
  EXPECT_THAT(worker.at("groups").front().at("sighting_stack"), Calls("read_to_end"));
}

INSTANTIATE_TEST_SUITE_P(Children, ForkedWorker, testing::Values("exit", "_exit"),
                         [](const auto& each) { return std::string(each.param); });

TEST(Children, FixedWorkerIsHealthy) {
  const Tracked tracked = track({"--grace", "0"}, {program("fork_worker"), "fixed"});
  const std::vector<Json> processes = processes_of(tracked.report, "/fork_worker");
  ASSERT_EQ(processes.size(), 2U);
  for (const Json& process : processes) EXPECT_THAT(process.at("groups"), IsEmpty());
}

// The one that sent and closed a socket must not be blamed, whatever the other does; the one that got it owes
// the close.
TEST(Children, PassedSocketsBelongToTheReceiver) {
  for (const char* worker : {"closes", "leak"}) {
    const Tracked tracked = track({"--grace", "0"}, {program("pass_socket"), worker});
    EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
    const auto processes = processes_of(tracked.report, "/pass_socket");
    const Json sender = with_most_opened(processes);
    EXPECT_EQ(opened(sender), 17U);  // listener, 7 clients, 7 accepted, the pair they are passed over
    EXPECT_THAT(sender.at("groups"), IsEmpty()) << sender.dump(1);
    ASSERT_EQ(processes.size(), 2U);
    const Json& receiver = processes[0].at("pid") == sender.at("pid") ? processes[1] : processes[0];
    const bool leaks = std::string(worker) == "leak";
    EXPECT_EQ(leaked(receiver), leaks ? 3U : 0U);
    if (!leaks) continue;
    ASSERT_THAT(summary(receiver.at("groups")), ElementsAre("eof_not_closed 3 recv"));
    EXPECT_THAT(receiver.at("groups")[0].at("open_stack"), Calls("receive_socket"));
  }
}

TEST(Children, ProgramsAScriptStartsAreFollowed) {
  const std::string both = program("c_eof") + " && " + program("c_eof") + " fixed; exit 4";
  const Tracked tracked = track({"--grace", "0"}, {"/bin/sh", "-c", both});
  EXPECT_EQ(tracked.outcome.status, 4) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\ndone\n");
  const std::vector<Json> processes = processes_of(tracked.report, "/c_eof");
  ASSERT_EQ(processes.size(), 2U) << tracked.report.dump(1);
  EXPECT_EQ(leaked(processes[0]) + leaked(processes[1]), 23U);
}

TEST(Children, AreLeftAloneIfAsked) {
  const std::string child = program("c_eof") + "; exit 4";
  const Tracked started =
      track({"--grace", "0", "--no-follow-children", "--fail-on-leak"}, {"/bin/sh", "-c", child});
  EXPECT_EQ(started.outcome.status, 4) << started.outcome.err;
  EXPECT_EQ(started.outcome.out, "done\n");
  EXPECT_THAT(processes_of(started.report, "/c_eof"), IsEmpty());

  const Tracked forked = track({"--grace", "0", "--no-follow-children"}, {program("fork_worker")});
  EXPECT_EQ(forked.outcome.status, 0) << forked.outcome.err;
  EXPECT_EQ(opened(process_of(forked.report, "/fork_worker")), 9U) << "only the parent";
}

}  // namespace
}  // namespace scenario
