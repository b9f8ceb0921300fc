// The mitigation ladder on real leaks, ordered by `socktrack mitigate` while the program runs.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/socktrack.h"

using namespace scenario;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr int kUsage = 2;

// A program that leaks on command, with the library and without `socktrack run`.
class Ladder {
 public:
  explicit Ladder(const Environment& added = {}) : process_({program("ladder")}, environment(added)) {}
  ~Ladder() { process_.close_input(); }

  std::string ask(const std::string& words) {
    process_.say(words + "\n");
    return process_.line();
  }
  pid_t pid() const { return process_.pid(); }
  std::string directory() const { return directory_ / "recordings"; }
  Outcome finish() { return process_.finish(); }

  Outcome mitigate(Arguments words) {
    Arguments all{command(), "mitigate", std::to_string(process_.pid())};
    all.insert(all.end(), words.begin(), words.end());
    return run(all, base_environment());
  }

  // The group of the sockets that leak_one() leaked, as the running program's recording has it; null if none.
  Json group() {
    const Json report = report_of(directory());
    for (const Json& process : report["processes"]) {
      for (const Json& each : process["groups"]) {
        if (each["verdict"] == "eof_not_closed" &&
            functions(each["open_stack"])[0].find("accept_client") == 0)
          return each;
      }
    }
    return nullptr;
  }
  std::string fingerprint_of(std::uint64_t count) {
    Json found;
    EXPECT_TRUE(eventually([&] {
      found = group();
      return !found.is_null() && found["count"] == count;
    })) << found;
    return found.is_null() ? "" : found["fingerprint"].get<std::string>();
  }
  bool has_acted(const std::string& rung, std::uint64_t count) {
    return eventually([&] {
      const Json found = group();
      return !found.is_null() && found["mitigation"].is_object() &&
             found["mitigation"]["acted"].value(rung, 0U) >= count;
    });
  }
  std::vector<Json> audit() const {
    std::ifstream file(directory() + "/audit-" + std::to_string(process_.pid()) + ".jsonl");
    std::vector<Json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  std::vector<Json> acts() const {
    std::vector<Json> found;
    for (Json& each : audit()) {
      if (each["event"] == "act" && each["outcome"] == "done") found.push_back(each);
    }
    return found;
  }

 private:
  Environment environment(Environment added) const {
    added.try_emplace("SOCKTRACK_GRACE", "0");
    added.try_emplace("SOCKTRACK_INTERVAL", "100ms");
    return preload_environment(directory_, added);
  }
  TempDir directory_;
  Process process_;
};

const Arguments kQuick = {"--after", "0", "--rate", "1000/s"};

Arguments order(const std::string& rung, const std::string& fingerprint, Arguments more = kQuick) {
  more.insert(more.begin(), {rung, "--allow", fingerprint});
  return more;
}

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
  for (const char* key : {"time", "pid", "fd", "cookie", "local", "peer", "age_s", "after"})
    EXPECT_TRUE(acts[0].contains(key)) << key;
}

TEST(LadderScenario, ParkKeepsTheNumberAndAnswersLikeADeadConnection) {
  Ladder ladder;
  ladder.ask("leak 5");
  const std::string fingerprint = ladder.fingerprint_of(5);
  ladder.mitigate(order("park", fingerprint));
  ASSERT_TRUE(ladder.has_acted("park", 5));
  for (int i = 0; i < 5; i++) EXPECT_EQ(ladder.ask("peer " + std::to_string(i)), "eof") << i;
  EXPECT_EQ(ladder.ask("close 1"), "ok");  // a late close is a close
  EXPECT_EQ(ladder.ask("close 1"), "EBADF");
  EXPECT_FALSE(ladder.group()["mitigation"]["off_ladder"]);
  EXPECT_EQ(ladder.ask("recv 4"), "eof");  // any other use is not expected
  ASSERT_TRUE(eventually([&] { return ladder.group()["mitigation"]["off_ladder"] == true; }));
  EXPECT_EQ(ladder.group()["mitigation"]["used_by"], "recv");
  EXPECT_TRUE(eventually([&] { return ladder.audit().back()["event"] == "off_ladder"; }));
  // Readable, writable, hung up: what a connection that is over on both sides tells as well.
  EXPECT_EQ(ladder.ask("poll 0"), "0x2015");
  EXPECT_EQ(ladder.ask("poll 4"), "0x2015");
  // ... and nothing more is done to its group.
  ladder.ask("leak 2");
  ASSERT_TRUE(
      eventually([&] { return ladder.group()["mitigation"]["refused"].value("off_ladder", 0) == 2; }));
  EXPECT_EQ(ladder.ask("peer 5"), "open");
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

TEST(LadderScenario, WhatMustBeLeftAlone) {
  Ladder ladder;
  ladder.ask("blocked");
  ladder.ask("unread 0");
  ladder.ask("unread 1");  // a farewell of TLS
  ladder.ask("leak 4");
  ladder.ask("dup 2");
  const std::string pipe = ladder.ask("fork");  // holds 2 to 5
  ladder.fingerprint_of(4);
  ladder.mitigate(order("park", "all"));
  ASSERT_TRUE(eventually([&] {
    const Json refused = ladder.group()["mitigation"];
    return refused.is_object() && refused["refused"].value("other_process", 0) == 3 &&
           refused["refused"].value("duplicated", 0) == 1;
  })) << ladder.group();
  for (int i = 0; i < 6; i++) EXPECT_EQ(ladder.ask("peer " + std::to_string(i)), "open") << i;
  EXPECT_TRUE(ladder.acts().empty()) << ladder.acts()[0];
  // The child ends: what it held may be acted on, the rest may not.
  EXPECT_EQ(ladder.ask("closefd " + pipe), "ok");
  ASSERT_TRUE(ladder.has_acted("park", 3));
  EXPECT_EQ(ladder.ask("peer 2"), "open");
  EXPECT_EQ(ladder.ask("peer 3"), "eof");
  EXPECT_EQ(ladder.ask("peer 0"), "open");
}

TEST(LadderScenario, AVforkChildThatClosesChangesNothing) {
  Ladder ladder;
  ladder.ask("leak 3");
  const std::string fingerprint = ladder.fingerprint_of(3);
  EXPECT_EQ(ladder.ask("vfork"), "ok");
  ladder.mitigate(order("park", fingerprint));
  EXPECT_TRUE(ladder.has_acted("park", 3));
  EXPECT_EQ(ladder.ask("vfork"), "ok");
  EXPECT_EQ(ladder.ask("close 2"), "ok");
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
  EXPECT_THAT(ladder.mitigate({"observe"}).out, HasSubstr("observe"));
  EXPECT_EQ(ladder.group()["mitigation"]["acted"]["finish"], 1);
  EXPECT_EQ(ladder.ask("peer 29"), "open");
}

TEST(LadderScenario, AHalfCloseThatIsUsedTakesItsGroupOff) {
  Ladder ladder;
  ladder.ask("leak 2");
  const std::string fingerprint = ladder.fingerprint_of(2);
  EXPECT_EQ(ladder.ask("answer 0"), "ok");  // data after it had been called dead
  ladder.mitigate({"park", "--allow", fingerprint, "--after", "1h"});
  // The late answer is progress; whether the verdict was taken back is seen when it is asked again.
  EXPECT_EQ(ladder.ask("peer 1"), "open");
  EXPECT_EQ(ladder.ask("answer 1"), "ok");
}

TEST(LadderScenario, EpollLevelEdgeOneshotAndNone) {
  Ladder ladder;
  ladder.ask("leak 5");
  const auto watch = [&](int i, unsigned events) {
    EXPECT_EQ(ladder.ask("watch " + std::to_string(i) + " " + std::to_string(static_cast<int>(events))),
              "ok");
  };
  watch(0, EPOLLIN | EPOLLET);
  watch(1, EPOLLIN | EPOLLONESHOT);
  watch(2, 0U);
  watch(3, EPOLLIN | EPOLLET);
  EXPECT_THAT(ladder.ask("events"), testing::StartsWith("3 "));  // edges and the shot are used up
  EXPECT_EQ(ladder.ask("events"), "0");
  const std::string fingerprint = ladder.fingerprint_of(5);
  ladder.mitigate(order("finish", fingerprint));
  // Finish wakes loops, so it leaves alone what would never sleep again.
  ASSERT_TRUE(eventually([&] {
    const Json told = ladder.group()["mitigation"];
    return told.is_object() && told["refused"].value("epoll_spins", 0) == 1 &&
           told["acted"].value("finish", 0) == 4;
  })) << ladder.group();
  EXPECT_THAT(ladder.ask("events"), AllOf(testing::StartsWith("2 "), HasSubstr("0x11")));
  ladder.mitigate(order("park", fingerprint));
  ASSERT_TRUE(ladder.has_acted("park", 5));
  EXPECT_EQ(ladder.ask("events"), "0");      // parked: out of every set, no event ever
  EXPECT_EQ(ladder.ask("unwatch 2"), "ok");  // though the kernel has no such member any more
  EXPECT_EQ(ladder.ask("close 0"), "ok");
}

TEST(LadderScenario, FiveThousandParkedGiveTheirMemoryBack) {
  const auto sockets = [] {
    std::ifstream file("/proc/net/sockstat");
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("TCP:", 0) != 0) continue;
      std::istringstream words(line);
      std::string word;
      int allocated = 0;
      while (words >> word) {
        if (word == "alloc") words >> allocated;
      }
      return allocated;
    }
    return -1;
  };
  Ladder ladder;
  const int number = sanitizer().empty() ? 3000 : 300;
  ladder.ask("leak " + std::to_string(number));
  const std::string fingerprint = ladder.fingerprint_of(static_cast<std::uint64_t>(number));
  const int before = sockets();
  ladder.mitigate({"park", "--allow", fingerprint, "--after", "0", "--rate", "100000/s"});
  ASSERT_TRUE(ladder.has_acted("park", static_cast<std::uint64_t>(number)));
  EXPECT_LT(sockets(), before - number * 9 / 10);
  EXPECT_EQ(ladder.ask("close 7"), "ok");
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
