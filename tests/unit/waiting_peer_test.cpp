// Who may be waiting for an answer: one fact changed at a time from a client that does.
#include "watch/waiting_peer.h"

#include <gtest/gtest.h>

using namespace socktrack;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kSighted_ms = 30'000;

// All in one tick, ten seconds before the end.
Exchange exchanged(std::uint32_t in, std::uint32_t out) { return {in, out, 40'000, 40'000}; }

WaitingFacts waiting() {
  WaitingFacts facts;
  facts.answer = Answer::owed;
  facts.peer = PeerEnd::held;
  facts.seer = Seer::busy;
  facts.one_at_a_time = true;
  facts.silent_ns = 30 * kSecond;
  return facts;
}

}  // namespace

TEST(AnswerOf, WhoeverSpokeLast) {
  EXPECT_EQ(answer_of(exchanged(0, 0), kSighted_ms), Answer::unclear);
  EXPECT_EQ(answer_of(exchanged(0, 1), kSighted_ms), Answer::unclear);  // a greeting
  EXPECT_EQ(answer_of(exchanged(1, 0), kSighted_ms), Answer::owed);
  EXPECT_EQ(answer_of(exchanged(1, 1), kSighted_ms), Answer::unclear);  // in one tick
  EXPECT_EQ(answer_of(exchanged(2, 1), kSighted_ms), Answer::owed);     // and asked again in it
  EXPECT_EQ(answer_of({1, 1, 39'000, 40'000}, kSighted_ms), Answer::owed);
  EXPECT_EQ(answer_of({1, 1, 39'000, 38'000}, kSighted_ms), Answer::given);
}

TEST(AnswerOf, AnAnswerThatHasBegunAfterTheEnd) {
  EXPECT_EQ(answer_of({1, 2, 40'000, 29'000}, kSighted_ms), Answer::owed);
}

TEST(PeerMayWait, AMinuteIsEnough) {
  WaitingFacts facts = waiting();
  EXPECT_TRUE(peer_may_wait(facts));
  facts.silent_ns = kTimeForAnAnswer_ns - 1;
  EXPECT_TRUE(peer_may_wait(facts));
  facts.silent_ns = kTimeForAnAnswer_ns;
  EXPECT_FALSE(peer_may_wait(facts));
}

TEST(PeerMayWait, NobodyWhoHasLeftOrHasHisAnswer) {
  WaitingFacts facts = waiting();
  facts.peer = PeerEnd::unknown;  // on another host
  EXPECT_TRUE(peer_may_wait(facts));
  facts.peer = PeerEnd::gone;
  EXPECT_FALSE(peer_may_wait(facts));
  facts = waiting();
  facts.answer = Answer::given;
  EXPECT_FALSE(peer_may_wait(facts));
}

TEST(PeerMayWait, WhatTheThreadDoesThatReadTheEnd) {
  for (const bool one_at_a_time : {true, false}) {
    WaitingFacts facts = waiting();
    facts.one_at_a_time = one_at_a_time;
    for (const Seer seer : {Seer::unknown, Seer::waits, Seer::busy}) {
      facts.seer = seer;
      EXPECT_TRUE(peer_may_wait(facts));
    }
    facts.seer = Seer::ended;
    EXPECT_FALSE(peer_may_wait(facts));
    // A thread with one connection at a time is done with it; a loop never is.
    facts.seer = Seer::accepts;
    EXPECT_EQ(peer_may_wait(facts), !one_at_a_time);
    facts.seer = Seer::busy;
    facts.saw_later_end = true;
    EXPECT_EQ(peer_may_wait(facts), !one_at_a_time);
  }
}

TEST(PeerMayWait, WhereNothingWasAskedOnlyWhileTheThreadIsBusy) {
  WaitingFacts facts = waiting();
  facts.answer = Answer::unclear;
  EXPECT_TRUE(peer_may_wait(facts));
  facts.seer = Seer::waits;
  EXPECT_FALSE(peer_may_wait(facts));
  facts.seer = Seer::busy;
  facts.one_at_a_time = false;
  EXPECT_FALSE(peer_may_wait(facts));
}
