// The mitigation ladder on real leaks, ordered by `socktrack mitigate` while the program runs.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/ladder.h"

using namespace scenario;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr int kUsage = 2;

}  // namespace

TEST(LadderScenario, NothingIsDoneByDefault) {
  Ladder ladder;
  ladder.ask("leak 3");
  ladder.fingerprint_of(3);
  EXPECT_EQ(ladder.ask("peer 0"), "open");
  EXPECT_EQ(ladder.finish().status, 0);
  EXPECT_FALSE(
      std::filesystem::exists(ladder.directory() + "/audit-" + std::to_string(ladder.pid()) + ".jsonl"));
}

TEST(LadderScenario, DryRunTouchesNothingAndTellsAll) {
  Ladder ladder;
  ladder.ask("leak 4");
  ladder.ask("dup 1");
  const std::string fingerprint = ladder.fingerprint_of(4);
  Arguments words = order("park", fingerprint);
  words.emplace_back("--dry-run");
  const Outcome told = ladder.mitigate(words);
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out,
              AllOf(HasSubstr("would park 3 sockets"), HasSubstr("[duplicated]"), HasSubstr(fingerprint)));
  for (int i = 0; i < 4; i++) {
    EXPECT_THAT(told.out, HasSubstr("fd " + ladder.ask("fd " + std::to_string(i)) + " "));
    EXPECT_EQ(ladder.ask("peer " + std::to_string(i)), "open");
  }
  EXPECT_THAT(ladder.mitigate({}).out, HasSubstr("observe: nothing is done"));
  EXPECT_TRUE(ladder.audit().empty());
}

TEST(LadderScenario, ProbeLeavesALivingPeerAlone) {
  Ladder ladder;
  ladder.ask("leak 2");
  ladder.mitigate(order("probe", ladder.fingerprint_of(2)));
  ASSERT_TRUE(ladder.has_acted("probe", 2));
  EXPECT_EQ(ladder.ask("peer 0"), "open");
  EXPECT_EQ(ladder.ask("answer 0"), "ok");  // a half-closed client still gets its answer
}

TEST(LadderScenario, FinishSendsTheFinAndKeepsTheNumber) {
  Ladder ladder;
  ladder.ask("leak 3");
  const std::string fingerprint = ladder.fingerprint_of(3);
  ladder.mitigate(order("finish", fingerprint));
  ASSERT_TRUE(ladder.has_acted("finish", 3));
  for (const char* i : {"0", "1", "2"}) EXPECT_EQ(ladder.ask(std::string("peer ") + i), "eof") << i;
  EXPECT_EQ(ladder.ask("recv 0"), "eof");  // a loop that was woken may read
  EXPECT_FALSE(ladder.group()["mitigation"]["off_ladder"]);
  EXPECT_EQ(ladder.ask("close 0"), "ok");
  const std::vector<Json> acts = ladder.acts();
  ASSERT_EQ(acts.size(), 3U);
  EXPECT_EQ(acts[0]["fingerprint"], fingerprint);
  EXPECT_EQ(acts[0]["rung"], "finish");
  EXPECT_EQ(acts[0]["before"]["state"], "CLOSE_WAIT");
  EXPECT_THAT(acts[0]["open_stack"].dump(), HasSubstr("accept_client"));
  EXPECT_THAT(acts[0]["sighting_stack"].dump(), HasSubstr("read_to_end"));
  EXPECT_FALSE(ladder.group()["mitigation"]["off_ladder"]);
}

TEST(LadderScenario, TheAuditTellsAll) {
  Ladder ladder;
  ladder.ask("leak 2");
  const std::string fingerprint = ladder.fingerprint_of(2);
  const Json accused = ladder.group()["sockets"][1];
  ladder.mitigate(order("finish", fingerprint));
  ASSERT_TRUE(ladder.has_acted("finish", 2));
  ladder.mitigate(order("park", fingerprint));
  ASSERT_TRUE(ladder.has_acted("park", 2));
  ASSERT_TRUE(eventually([&] { return ladder.acts().size() == 4; })) << ladder.audit().size();
  std::vector<Json> of_one;
  for (const Json& each : ladder.acts()) {
    if (each["fd"] == accused["fd"]) of_one.push_back(each);
  }
  ASSERT_EQ(of_one.size(), 2U);
  for (const Json& act : of_one) {
    for (const char* same : {"cookie", "inode", "local", "peer"}) EXPECT_EQ(act[same], accused[same]) << same;
    EXPECT_EQ(act["schema"], "socktrack.audit/1");
    EXPECT_THAT(act["time"].get<std::string>(), testing::MatchesRegex("20..-..-..T..:..:......Z"));
    EXPECT_EQ(act["pid"], ladder.pid());
    EXPECT_EQ(act["fingerprint"], fingerprint);
    EXPECT_EQ(act["verdict"], "eof_not_closed");
    EXPECT_EQ(act["outcome"], "done");
    EXPECT_TRUE(act["errno"].is_null());
    EXPECT_FALSE(act["reclaim"]);
    EXPECT_GE(act["opened_s"].get<double>(), act["age_s"].get<double>());
    EXPECT_THAT(act["open_stack"].dump(), HasSubstr("accept_client"));
    EXPECT_THAT(act["sighting_stack"].dump(), HasSubstr("read_to_end"));
    EXPECT_EQ(act["before"]["recv_q"], 0);
    EXPECT_EQ(act["before"]["send_q"], 0);
  }
  EXPECT_EQ(of_one[0]["rung"], "finish");
  EXPECT_EQ(of_one[0]["before"]["state"], "CLOSE_WAIT");
  EXPECT_EQ(of_one[1]["rung"], "park");
  EXPECT_EQ(of_one[1]["after"]["state"], "parked");
  EXPECT_EQ(ladder.audit()[0]["event"], "settings");
}

TEST(LadderScenario, SendsOnMitigatedSocketsDoNotEndTheProgram) {
  for (const char* rung : {"finish", "park"}) {
    Ladder ladder;
    ladder.ask("leak 4");
    ladder.mitigate(order(rung, ladder.fingerprint_of(4)));
    ASSERT_TRUE(ladder.has_acted(rung, 4));
    EXPECT_EQ(ladder.ask("send 0"), "EPIPE") << rung;
    EXPECT_EQ(ladder.ask("write 1"), "EPIPE") << rung;
    EXPECT_EQ(ladder.ask("send 3"), "EPIPE") << rung;
    ASSERT_TRUE(eventually([&] { return ladder.group()["mitigation"]["off_ladder"] == true; }));
    EXPECT_EQ(ladder.finish().status, 0) << rung;
  }
}

TEST(LadderScenario, CloseFreesTheNumberOfAGroupChosenByName) {
  Ladder ladder;
  ladder.ask("leak 3");
  const std::string fingerprint = ladder.fingerprint_of(3);
  const std::string number = ladder.ask("fd 0");
  ladder.mitigate(order("close", fingerprint));
  ASSERT_TRUE(ladder.has_acted("close", 3));
  for (const char* i : {"0", "1", "2"}) EXPECT_EQ(ladder.ask(std::string("peer ") + i), "eof");
  EXPECT_EQ(ladder.ask("close 1"), "EBADF");
  ladder.ask("leak 1");
  EXPECT_EQ(std::stoi(ladder.ask("fd 3")), std::stoi(number) + 2);  // the first of the three is its peer's
}

TEST(LadderScenario, CloseOfAllParks) {
  Ladder ladder;
  ladder.ask("leak 3");
  ladder.fingerprint_of(3);
  EXPECT_THAT(ladder.mitigate(order("close", "all")).err, HasSubstr("parked"));
  ASSERT_TRUE(ladder.has_acted("park", 3));
  EXPECT_EQ(ladder.ask("close 0"), "ok");
}

TEST(LadderScenario, TooYoungAndNotShort) {
  Ladder ladder;
  ladder.ask("leak 2");
  const std::string fingerprint = ladder.fingerprint_of(2);
  ladder.mitigate({"park", "--allow", fingerprint, "--after", "1h"});
  EXPECT_TRUE(eventually([&] {
    const Json told = ladder.group()["mitigation"];
    return told.is_object() && told["refused"].value("too_young", 0) == 2;
  }));
  ladder.mitigate({"park", "--after", "0", "--at", "90%"});
  EXPECT_TRUE(eventually([&] { return ladder.group()["mitigation"]["refused"].value("not_short", 0) == 2; }));
  EXPECT_EQ(ladder.ask("answer 0"), "ok");
}

TEST(LadderScenario, TheKillSwitch) {
  Ladder ladder;
  ladder.ask("leak 30");
  const std::string fingerprint = ladder.fingerprint_of(30);
  ladder.mitigate({"finish", "--allow", fingerprint, "--after", "0", "--rate", "60/h"});
  ASSERT_TRUE(ladder.has_acted("finish", 1));
  EXPECT_THAT(ladder.mitigate({"observe"}).out,
              AllOf(HasSubstr("observe: nothing is done"), HasSubstr("before: finish"),
                    HasSubstr(ladder.audit_file())));
  EXPECT_EQ(ladder.group()["mitigation"]["acted"]["finish"], 1);
  EXPECT_EQ(ladder.ask("peer 29"), "open");
}

TEST(LadderScenario, OrdersThatCannotBeFollowed) {
  Ladder ladder;
  ladder.ask("leak 1");
  ladder.fingerprint_of(1);
  const Outcome nothing = ladder.mitigate({"park"});
  EXPECT_EQ(nothing.status, kUsage);
  EXPECT_THAT(nothing.err, HasSubstr("--allow"));
  EXPECT_EQ(ladder.mitigate({"kill"}).status, kUsage);
  EXPECT_EQ(ladder.mitigate({"park", "--allow", "xyz"}).status, kUsage);
  EXPECT_THAT(ladder.mitigate({"--dry-run"}).err, HasSubstr("RUNG"));
  EXPECT_EQ(ladder.mitigate({"park", "--allow", "all", "--rate", "0"}).status, kUsage);
  const Outcome stranger = run({command(), "mitigate", std::to_string(getpid())}, base_environment());
  EXPECT_EQ(stranger.status, 1);
  EXPECT_THAT(stranger.err, HasSubstr("does not have the library"));
  EXPECT_THAT(run({command(), "mitigate", "999999999"}, base_environment()).err,
              HasSubstr("there is no process"));
}

TEST(LadderScenario, FromTheStartByEnvironment) {
  Ladder ladder({{"SOCKTRACK_MITIGATE", "park"},
                 {"SOCKTRACK_ALLOW", "all"},
                 {"SOCKTRACK_MITIGATE_AFTER", "0"},
                 {"SOCKTRACK_MITIGATE_RATE", "1000/s"}});
  ladder.ask("leak 3");
  ASSERT_TRUE(ladder.has_acted("park", 3));
  struct stat facts {};
  const std::string file = ladder.directory() + "/audit-" + std::to_string(ladder.pid()) + ".jsonl";
  ASSERT_EQ(stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}
