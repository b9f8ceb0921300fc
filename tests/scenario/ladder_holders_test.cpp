// Sockets that somebody else uses or may want: refused, with the reason.
#include <gmock/gmock.h>

#include <string>

#include "harness/ladder.h"

using namespace scenario;

TEST(LadderHolders, ADuplicateAndAChild) {
  Ladder ladder;
  ladder.ask("leak 4");
  ladder.ask("dup 0");
  const std::string pipe = ladder.ask("fork");
  const std::string fingerprint = ladder.fingerprint_of(4);
  ladder.mitigate(order("park", fingerprint));
  ASSERT_TRUE(ladder.has_refused("other_process", 3)) << ladder.told();
  ASSERT_TRUE(ladder.has_refused("duplicated", 1)) << ladder.told();
  for (int i = 0; i < 4; i++) EXPECT_EQ(ladder.ask("peer", i), "open") << i;
  EXPECT_TRUE(ladder.acts().empty());
  // The child ends: what it held may be acted on, the rest may not.
  EXPECT_EQ(ladder.ask("closefd " + pipe), "ok");
  ASSERT_TRUE(ladder.has_acted("park", 3)) << ladder.told();
  EXPECT_EQ(ladder.ask("peer 0"), "open");
  EXPECT_EQ(ladder.ask("peer 1"), "eof");
}

TEST(LadderHolders, DataThatNobodyHasRead) {
  for (const char* rung : {"probe", "finish", "park", "close"}) {
    Ladder ladder;
    ladder.ask("unread 0");
    ladder.ask("unread 1");  // the farewell of TLS
    ladder.ask("leak 1");
    const std::string fingerprint = ladder.fingerprint_of(1);
    ladder.mitigate(order(rung, "all," + fingerprint));
    ASSERT_TRUE(ladder.has_acted(rung, 1)) << rung << ladder.told();
    ASSERT_TRUE(ladder.has_refused("unread_data", 1)) << rung << ladder.told();
    EXPECT_EQ(ladder.acts().size(), 1U) << rung;
    EXPECT_EQ(ladder.ask("peer 0"), "open") << rung;
    EXPECT_EQ(ladder.ask("peer 1"), "open") << rung;
  }
}

TEST(LadderHolders, ACopyThatWasPassedOn) {
  Ladder ladder;
  ladder.ask("leak 2");
  const std::string pipe = ladder.ask("pass 0");
  const std::string fingerprint = ladder.fingerprint_of(2);
  ladder.mitigate(order("close", fingerprint));
  ASSERT_TRUE(ladder.has_acted("close", 1)) << ladder.told();
  EXPECT_TRUE(ladder.has_refused("passed", 1)) << ladder.told();
  EXPECT_EQ(ladder.ask("peer 0"), "open");
  // Whoever got it may have passed it on: the end of one holder proves nothing.
  EXPECT_EQ(ladder.ask("closefd " + pipe), "ok");
  EXPECT_THAT(ladder.mitigate(order("close", fingerprint, {"--dry-run"})).out,
              testing::HasSubstr("[passed]"));
  EXPECT_EQ(ladder.ask("peer 0"), "open");
}

TEST(LadderHolders, ThreadsThatWaitInCalls) {
  for (const char* rung : {"finish", "park", "close"}) {
    Ladder ladder;
    ladder.ask("leak 3");
    ASSERT_EQ(ladder.ask("block 1"), "ok");  // a reader, an acceptor, and one that polls leak 1
    ladder.mitigate(order(rung, ladder.fingerprint_of(3)));
    ASSERT_TRUE(ladder.has_acted(rung, 2)) << rung << ladder.told();
    ASSERT_TRUE(ladder.has_refused("thread_inside", 1)) << rung << ladder.told();
    EXPECT_EQ(ladder.ask("peer 0"), "eof") << rung;
    EXPECT_EQ(ladder.ask("peer 1"), "open") << rung;
    EXPECT_EQ(ladder.ask("unblock"), "ok") << rung;
    ASSERT_TRUE(ladder.has_acted(rung, 3)) << rung << ladder.told();
    EXPECT_EQ(ladder.ask("peer 1"), "eof") << rung;
  }
}

TEST(LadderHolders, AVforkChildThatClosesChangesNothing) {
  for (const char* rung : {"park", "close"}) {
    Ladder ladder;
    ladder.ask("leak 3");
    const std::string fingerprint = ladder.fingerprint_of(3);
    EXPECT_EQ(ladder.ask("vfork"), "ok");
    ladder.mitigate(order(rung, fingerprint));
    EXPECT_TRUE(ladder.has_acted(rung, 3)) << rung;
    EXPECT_EQ(ladder.ask("vfork"), "ok");
    EXPECT_EQ(ladder.ask("close 2"), std::string(rung) == "park" ? "ok" : "EBADF");
  }
}
