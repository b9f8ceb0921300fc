// Clients that finished their question and wait for the answer look to the kernel like forgotten connections.
// Turning the ladder on must not cut them off, on any rung and however short --after is.
#include <gtest/gtest.h>

#include <string>

#include "harness/ladder.h"

using namespace scenario;

namespace {

constexpr const char* kActing[] = {"probe", "finish", "park", "close"};

// How the program serves the waiting client: "slow ASKED LOOP".
constexpr const char* kAsked = "slow 1 0";
constexpr const char* kAskedNothing = "slow 0 0";
constexpr const char* kAskedALoop = "slow 1 1";

class LadderWaiting : public testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(LadderWaiting, AClientThatWaitsIsAnsweredOnEveryRung) {
  for (const char* way : {kAsked, kAskedNothing, kAskedALoop}) {
    Ladder ladder;
    ASSERT_EQ(ladder.ask(way), "ok");
    ladder.ask("leak 3");
    const std::string rung = GetParam();
    ladder.mitigate(order(rung, ladder.fingerprints_of(4)));
    // The leaks beside it are acted on; a probe does not harm.
    const std::uint64_t probed = rung == "probe" ? 1 : 0;
    ASSERT_TRUE(ladder.has_acted(rung, 3 + probed)) << way << ladder.told();
    ASSERT_TRUE(ladder.has_refused("answers_later", 1 - probed)) << way << ladder.told();
    EXPECT_EQ(ladder.ask("peer 0"), "open") << way;
    EXPECT_EQ(ladder.ask("let 0"), "ok") << way;
    EXPECT_EQ(ladder.acted(rung), 3U) << way << ladder.told();  // a group that has closed all is told no more
    EXPECT_EQ(ladder.ask("peer 1"), rung == "probe" ? "open" : "eof") << way;
  }
}

INSTANTIATE_TEST_SUITE_P(Rungs, LadderWaiting, testing::ValuesIn(kActing),
                         [](const auto& each) { return std::string(each.param); });

TEST(LadderWaiting, NobodyWaitsWhoHasLeft) {
  Ladder ladder;
  ASSERT_EQ(ladder.ask(kAsked), "ok");
  ladder.mitigate(order("finish", ladder.fingerprints_of(1)));
  ASSERT_TRUE(ladder.has_refused("answers_later", 1)) << ladder.told();
  EXPECT_EQ(ladder.ask("gone 0"), "ok");
  EXPECT_TRUE(ladder.has_acted("finish", 1)) << ladder.told();
}

TEST(LadderWaiting, NobodyAnswersWhoseThreadHasEnded) {
  Ladder ladder;
  ladder.ask("leak-in-threads 3");
  ladder.mitigate(order("park", "all"));
  EXPECT_TRUE(ladder.has_acted("park", 3)) << ladder.told();
  EXPECT_EQ(ladder.ask("peer 2"), "eof");
}

TEST(LadderWaiting, ADryRunTellsWhy) {
  Ladder ladder;
  ASSERT_EQ(ladder.ask(kAsked), "ok");
  Arguments words = order("park", ladder.fingerprints_of(1));
  words.emplace_back("--dry-run");
  const Outcome told = ladder.mitigate(words);
  EXPECT_NE(told.out.find("[answers_later]"), std::string::npos) << told.out << told.err;
  EXPECT_EQ(ladder.ask("let 0"), "ok");
}

// Data after the verdict: the half-close is in use, and so may be those of its kind.
TEST(LadderWaiting, ALateAnswerTakesItsGroupOff) {
  Ladder ladder;
  ladder.ask("leak 2");
  const std::string fingerprint = ladder.fingerprint_of(2);
  EXPECT_EQ(ladder.ask("answer 0"), "ok");
  ladder.mitigate(order("park", fingerprint));
  ASSERT_TRUE(ladder.has_refused("answers_later", 2)) << ladder.told();
  EXPECT_EQ(ladder.ask("peer 1"), "open");
  EXPECT_EQ(ladder.ask("answer 1"), "ok");
}
