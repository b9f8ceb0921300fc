// Verdicts that are no leaks but lead to one: who else holds the socket, what the thread is stuck in, what
// waits in the listen queue. Each beside its healthy twin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Json> processes_after(const Arguments& arguments, const std::string& name) {
  Arguments whole = arguments;
  whole.front() = program(arguments.front());
  const Tracked tracked = track({"--grace", "0"}, whole);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  return processes_of(tracked.report, "/" + name);
}

TEST(Verdicts, PeersThatGaveUpInTheListenQueue) {
  const std::vector<Json> processes = processes_after({"listen_queue"}, "listen_queue");
  ASSERT_EQ(processes.size(), 1U);
  ASSERT_EQ(processes[0].at("groups").size(), 1U) << processes[0].dump(1);
  const Json& group = processes[0].at("groups").front();
  EXPECT_EQ(group.at("verdict"), "never_accepted");
  EXPECT_EQ(group.at("count"), 6);
  EXPECT_THAT(group.at("open_stack"), Calls("open_listener"));
  EXPECT_THAT(group.at("sighting_stack"), IsEmpty());
  EXPECT_EQ(group.at("listen_queue").at("length"), 6);
  EXPECT_EQ(group.at("listen_queue").at("limit"), 128);
  EXPECT_EQ(leaked(processes[0]), 0U) << "the accept loop is stalled, nothing leaks";
  for (const Json& socket : group.at("sockets")) {
    EXPECT_EQ(socket.at("state"), "CLOSE_WAIT");
    EXPECT_EQ(socket.at("recv_q"), 7) << "six bytes and the FIN, as ss shows it";
  }
}

TEST(Verdicts, AListenQueueThatIsServedInTheEnd) {
  const std::vector<Json> processes = processes_after({"listen_queue", "late"}, "listen_queue");
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_THAT(processes[0].at("groups"), IsEmpty());
}

TEST(Verdicts, TheParentForgotItsCopy) {
  const std::vector<Json> processes = processes_after({"forgotten_copy", "parent"}, "forgotten_copy");
  ASSERT_FALSE(processes.empty());
  const Json parent = with_most_opened(processes);
  ASSERT_EQ(parent.at("groups").size(), 1U) << parent.dump(1);
  const Json& group = parent.at("groups").front();
  EXPECT_EQ(group.at("verdict"), "inherited");
  EXPECT_EQ(group.at("count"), 3);
  EXPECT_THAT(group.at("open_stack"), Calls("accept_client"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("fork_server"));
}

TEST(Verdicts, TheChildKeepsCopiesThatItNeverUses) {
  const std::vector<Json> processes = processes_after({"forgotten_copy", "child"}, "forgotten_copy");
  ASSERT_EQ(processes.size(), 2U);
  const Json parent = with_most_opened(processes);
  EXPECT_THAT(parent.at("groups"), IsEmpty());
  const Json child = processes[0] == parent ? processes[1] : processes[0];
  ASSERT_EQ(child.at("groups").size(), 1U) << child.dump(1);
  const Json& group = child.at("groups").front();
  EXPECT_EQ(group.at("verdict"), "inherited");
  EXPECT_EQ(group.at("count"), 3);
  EXPECT_THAT(group.at("open_stack"), Calls("accept_client"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("fork_server"));
}

TEST(Verdicts, AnExecutedProgramHoldsWhatWasNotMarkedCloexec) {
  const std::vector<Json> processes = processes_after({"forgotten_copy", "exec"}, "forgotten_copy");
  ASSERT_EQ(processes.size(), 2U);
  const Json parent = with_most_opened(processes);
  EXPECT_THAT(parent.at("groups"), IsEmpty());
  const Json helper = processes[0] == parent ? processes[1] : processes[0];
  ASSERT_EQ(helper.at("groups").size(), 1U) << helper.dump(1);
  EXPECT_EQ(helper.at("groups").front().at("verdict"), "inherited");
  EXPECT_EQ(helper.at("groups").front().at("count"), 3);
  EXPECT_EQ(opened(helper), 0U);
}

// Runs until the watcher has spoken `verdict` of `count` sockets; then lets the program go on and end.
struct Spoken {
  Json group;   // as it was while the program ran
  Json at_end;  // the process after its end
};
Spoken spoken_while_running(const Arguments& arguments, const std::string& verdict, int count) {
  const TempDir directory;
  Arguments whole = arguments;
  whole.front() = program(arguments.front());
  Process process(tracked_command(directory, {"--grace", "300ms"}, whole), base_environment());
  EXPECT_EQ(process.line(), "ready");
  const std::string recordings = directory / "recordings";
  Spoken spoken;
  EXPECT_TRUE(eventually([&] {
    for (const Json& each : processes_of(report_of(recordings), "/" + arguments.front())) {
      for (const Json& group : each.at("groups")) {
        if (group.at("verdict") == verdict && group.at("count") == count) spoken.group = group;
      }
    }
    return !spoken.group.is_null();
  })) << report_of(recordings).dump(1);
  process.say("go\n");
  EXPECT_EQ(process.wait().status, 0);
  spoken.at_end = process_of(report_of(recordings), "/" + arguments.front());
  return spoken;
}

TEST(Verdicts, AStuckWorkerIsNamedWithWhatItWaitsIn) {
  const Spoken spoken = spoken_while_running({"stuck_worker"}, "data_unread", 4);
  ASSERT_FALSE(spoken.group.is_null());
  EXPECT_THAT(spoken.group.at("open_stack"), Calls("work"));
  ASSERT_TRUE(spoken.group.at("worker").is_object()) << spoken.group.dump(1);
  EXPECT_EQ(spoken.group.at("worker").at("thread"), "worker");
  EXPECT_EQ(spoken.group.at("worker").at("doing"), "futex");
  EXPECT_THAT(spoken.group.at("threads_now").get<std::string>(), HasSubstr("worker x4 in futex"));
  for (const Json& socket : spoken.group.at("sockets")) EXPECT_EQ(socket.at("recv_q"), 9);
  EXPECT_THAT(spoken.at_end.at("groups"), IsEmpty()) << "the workers went on and closed: slow, not leaking";
}

TEST(Verdicts, PeersThatNeverCloseAfterOurShutdown) {
  const Spoken spoken = spoken_while_running({"stuck_worker", "half_open"}, "half_open_peer", 3);
  ASSERT_FALSE(spoken.group.is_null());
  EXPECT_THAT(spoken.group.at("open_stack"), Calls("connect_to"));
  EXPECT_THAT(spoken.group.at("sighting_stack"), Calls("half_open"));
  EXPECT_EQ(spoken.group.at("operation"), "shutdown");
  for (const Json& socket : spoken.group.at("sockets")) EXPECT_EQ(socket.at("state"), "FIN_WAIT2");
  EXPECT_THAT(summary(spoken.at_end.at("groups")), IsEmpty());
}

}  // namespace
}  // namespace scenario
