// The detector's whole table: every kernel state, with and without witness, moving and still.
#include "watch/detector.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <cerrno>

#include "watch/vocabulary.h"

using namespace socktrack;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kNow = 1000 * kSecond;

KernelFacts in_state(std::uint8_t state) {
  KernelFacts facts;
  facts.state = state;
  facts.was_connected = true;
  facts.bound = true;
  return facts;
}

Witness accepted() {
  Witness witness;
  witness.flags = slot_flag::live | slot_flag::accepted;
  witness.opened_ns = kNow - 100 * kSecond;
  return witness;
}

Witness saw(std::uint16_t error, Operation operation = Operation::recv) {
  Witness witness = accepted();
  witness.sighted = true;
  witness.error = error;
  witness.operation = operation;
  witness.sighted_ns = kNow - 50 * kSecond;
  return witness;
}

Verdict verdict(const Witness& witness, const KernelFacts& facts) {
  return judge(witness, facts, 0, kNow).verdict;
}

}  // namespace

TEST(Detector, EndOfStreamSeenAndStillInCloseWait) {
  const Finding finding = judge(saw(0), in_state(TCP_CLOSE_WAIT), kNow - kSecond, kNow);
  EXPECT_EQ(finding.verdict, Verdict::eof_not_closed);
  EXPECT_EQ(finding.since_ns, kNow - 50 * kSecond);  // since the sighting, not since the first sweep
}

TEST(Detector, EndOfStreamSeenAfterOurOwnFin) {
  EXPECT_EQ(verdict(saw(0), in_state(TCP_CLOSE)), Verdict::eof_not_closed);
  EXPECT_EQ(verdict(saw(0), in_state(TCP_LAST_ACK)), Verdict::eof_not_closed);
}

TEST(Detector, ErrorSeen) {
  EXPECT_EQ(verdict(saw(ECONNRESET), in_state(TCP_CLOSE)), Verdict::error_not_closed);
  EXPECT_EQ(verdict(saw(EPIPE, Operation::send), in_state(TCP_CLOSE_WAIT)), Verdict::error_not_closed);
}

TEST(Detector, NobodySawAnything) {
  const Finding finding = judge(accepted(), in_state(TCP_CLOSE_WAIT), kNow - 7 * kSecond, kNow);
  EXPECT_EQ(finding.verdict, Verdict::fin_unread);
  EXPECT_EQ(finding.since_ns, kNow - 7 * kSecond);  // since the watcher first saw it
  EXPECT_EQ(judge(accepted(), in_state(TCP_CLOSE_WAIT), 0, kNow).since_ns, kNow);
  EXPECT_EQ(verdict(accepted(), in_state(TCP_CLOSE)), Verdict::fin_unread);  // a reset that nobody read
}

TEST(Detector, UnreadDataIsNotALeak) {
  KernelFacts facts = in_state(TCP_CLOSE_WAIT);
  facts.unread = 5;
  EXPECT_EQ(verdict(accepted(), facts), Verdict::data_unread);
  EXPECT_EQ(verdict(saw(0), facts), Verdict::data_unread);
}

TEST(Detector, FarewellOfTlsIsNoData) {
  KernelFacts facts = in_state(TCP_CLOSE_WAIT);
  facts.unread = 24;
  facts.fin = Fin::unread;
  facts.close_notify = true;
  EXPECT_EQ(verdict(accepted(), facts), Verdict::fin_unread);
  EXPECT_EQ(verdict(saw(0), facts), Verdict::eof_not_closed);
}

TEST(Detector, SlowReaderStartsTheClockAnewWithEveryByte) {
  KernelFacts facts = in_state(TCP_CLOSE_WAIT);
  facts.unread = 100;
  EXPECT_EQ(judge(accepted(), facts, kNow - 60 * kSecond, kNow).since_ns, kNow - 60 * kSecond);
  facts.still_reading = true;
  EXPECT_EQ(judge(accepted(), facts, kNow - 60 * kSecond, kNow).since_ns, kNow);
}

TEST(Detector, DataReadThatRanIntoTheFinIsNotTold) {
  KernelFacts facts = in_state(TCP_CLOSE_WAIT);
  facts.fin = Fin::read;
  EXPECT_EQ(verdict(accepted(), facts), Verdict::fin_unread);  // the hooks watch, and saw nothing
}

TEST(Detector, WhatARingReadOnTheServerSideWasTold) {
  Witness witness = accepted();
  witness.reads_by_ring = true;
  KernelFacts facts = in_state(TCP_CLOSE_WAIT);
  facts.fin = Fin::read;
  EXPECT_EQ(verdict(witness, facts), Verdict::eof_not_closed);
  for (const Fin fin : {Fin::unread, Fin::unknown}) {
    facts.fin = fin;
    EXPECT_EQ(verdict(witness, facts), Verdict::fin_unread);
  }
  facts.fin = Fin::read;
  witness.flags = slot_flag::live | slot_flag::connect_tried;  // may be an idle connection of a pool
  EXPECT_EQ(verdict(witness, facts), Verdict::fin_unread);
}

TEST(Detector, BeingToldByPollIsNotReading) {
  for (const Operation operation : {Operation::poll, Operation::epoll_wait}) {
    KernelFacts facts = in_state(TCP_CLOSE_WAIT);
    facts.fin = Fin::unread;
    EXPECT_EQ(verdict(saw(0, operation), facts), Verdict::fin_unread);
    facts.fin = Fin::read;
    EXPECT_EQ(verdict(saw(0, operation), facts), Verdict::eof_not_closed);
  }
}

TEST(Detector, IgnoredSocketsAreNeverAccused) {
  Witness witness = saw(0);
  witness.flags |= slot_flag::ignored;
  EXPECT_EQ(verdict(witness, in_state(TCP_CLOSE_WAIT)), Verdict::healthy);
}

TEST(Detector, PeerThatNeverClosesAfterOurShutdown) {
  Witness witness = accepted();
  witness.flags |= slot_flag::shut_write;
  KernelFacts facts = in_state(TCP_FIN_WAIT2);
  const Finding finding = judge(witness, facts, kNow - 90 * kSecond, kNow);
  EXPECT_EQ(finding.verdict, Verdict::half_open_peer);
  EXPECT_EQ(finding.since_ns, kNow - 90 * kSecond);
  EXPECT_GT(finding.graces, 1u);
  EXPECT_FALSE(is_leak(finding.verdict));
}

TEST(Detector, HalfClosedConnectionThatIsUsedOrAwaitedIsHealthy) {
  Witness witness = accepted();
  witness.flags |= slot_flag::shut_write;
  KernelFacts facts = in_state(TCP_FIN_WAIT2);
  facts.last_received_ns = kNow - 2 * kSecond;  // the answer still trickles in
  EXPECT_EQ(judge(witness, facts, kNow - 90 * kSecond, kNow).since_ns, kNow - 2 * kSecond);
  facts.last_received_ns = 0;
  witness.tried_ns = kNow - kSecond;  // the program looks now and then, without waiting inside a call
  EXPECT_EQ(judge(witness, facts, kNow - 90 * kSecond, kNow).since_ns, kNow - kSecond);
  witness.tried_ns = 0;
  facts.unread = 1;
  EXPECT_EQ(judge(witness, facts, kNow - 90 * kSecond, kNow).verdict, Verdict::healthy);
  facts.unread = 0;
  facts.unsent = 1;
  EXPECT_EQ(judge(witness, facts, kNow - 90 * kSecond, kNow).verdict, Verdict::healthy);
  facts.unsent = 0;
  witness.flags |= slot_flag::in_epoll;
  EXPECT_EQ(judge(witness, facts, kNow - 90 * kSecond, kNow).verdict, Verdict::healthy);
}

TEST(Detector, LivingConnectionsAreHealthyWhateverWasSeen) {
  for (const int state : {TCP_ESTABLISHED, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2,
                          TCP_TIME_WAIT, TCP_LISTEN, TCP_CLOSING}) {
    for (const Witness& witness : {accepted(), saw(0), saw(EHOSTUNREACH)}) {
      EXPECT_EQ(verdict(witness, in_state(static_cast<std::uint8_t>(state))), Verdict::healthy) << state;
    }
  }
}

TEST(Detector, LegalHalfCloseWithDataOnItsWayIsHealthy) {
  KernelFacts facts = in_state(TCP_CLOSE_WAIT);
  facts.unsent = 1;
  EXPECT_EQ(verdict(saw(0), facts), Verdict::healthy);
}

TEST(Detector, SendingAfterEndOfStreamStartsTheClockAnew) {
  KernelFacts facts = in_state(TCP_CLOSE_WAIT);
  facts.sent_data = true;
  facts.last_sent_ns = kNow - 3 * kSecond;
  EXPECT_EQ(judge(saw(0), facts, 0, kNow).since_ns, kNow - 3 * kSecond);
  facts.last_sent_ns = kNow - 70 * kSecond;  // before the end: the sighting counts
  EXPECT_EQ(judge(saw(0), facts, 0, kNow).since_ns, kNow - 50 * kSecond);
}

TEST(Detector, TimesNeverLieInTheFuture) {
  Witness witness = saw(0);
  witness.sighted_ns = kNow + kSecond;  // coarse clocks of two threads
  EXPECT_EQ(judge(witness, in_state(TCP_CLOSE_WAIT), 0, kNow).since_ns, kNow);
}

TEST(Detector, ListenersAreNeverAccused) {
  Witness witness = accepted();
  witness.flags |= slot_flag::listener;
  EXPECT_EQ(verdict(witness, in_state(TCP_CLOSE)), Verdict::healthy);  // listen socket that was shut down
}

TEST(Detector, InheritedCopyThatNobodyUsed) {
  Witness witness = accepted();
  witness.flags |= slot_flag::inherited;
  EXPECT_EQ(verdict(witness, in_state(TCP_CLOSE_WAIT)), Verdict::inherited);
  Witness used = saw(0);
  used.flags |= slot_flag::inherited;
  EXPECT_EQ(verdict(used, in_state(TCP_CLOSE_WAIT)), Verdict::eof_not_closed);
}

TEST(Detector, FailedConnectIsAbandoned) {
  Witness witness = saw(ECONNREFUSED, Operation::connect);
  witness.flags = slot_flag::live | slot_flag::connect_tried;
  KernelFacts facts = in_state(TCP_CLOSE);
  facts.was_connected = false;
  const Finding finding = judge(witness, facts, 0, kNow);
  EXPECT_EQ(finding.verdict, Verdict::abandoned);
  EXPECT_FALSE(finding.needs_company);
  EXPECT_EQ(finding.since_ns, witness.sighted_ns);
}

TEST(Detector, UnusedSocketNeedsCompanyAndABoundOneIsReserved) {
  Witness witness;
  witness.flags = slot_flag::live;
  witness.opened_ns = kNow - 9 * kSecond;
  KernelFacts facts = in_state(TCP_CLOSE);
  facts.was_connected = false;
  facts.bound = false;
  const Finding finding = judge(witness, facts, 0, kNow);
  EXPECT_EQ(finding.verdict, Verdict::abandoned);
  EXPECT_TRUE(finding.needs_company);
  EXPECT_EQ(finding.since_ns, witness.opened_ns);
  facts.bound = true;
  EXPECT_EQ(verdict(witness, facts), Verdict::healthy);
}

TEST(Detector, HalfOfAPairThatNobodyLookedAtNeedsCompany) {
  Witness witness;
  witness.flags = slot_flag::live | slot_flag::unix_stream;
  const Finding finding = judge(witness, in_state(TCP_CLOSE_WAIT), 0, kNow);
  EXPECT_EQ(finding.verdict, Verdict::fin_unread);
  EXPECT_TRUE(finding.needs_company);
  witness.flags |= slot_flag::connect_tried;
  EXPECT_FALSE(judge(witness, in_state(TCP_CLOSE_WAIT), 0, kNow).needs_company);
}

TEST(Detector, HalfOfAPairThatWasShutDownAtOnceNeedsCompany) {
  Witness witness = saw(0);
  witness.flags = slot_flag::live | slot_flag::unix_stream | slot_flag::shut_read | slot_flag::shut_write;
  EXPECT_FALSE(judge(witness, in_state(TCP_CLOSE_WAIT), 0, kNow).needs_company) << "somebody read its end";
  witness.operation = Operation::shutdown;
  const Finding finding = judge(witness, in_state(TCP_CLOSE_WAIT), 0, kNow);
  EXPECT_EQ(finding.verdict, Verdict::eof_not_closed);
  EXPECT_TRUE(finding.needs_company);
}

TEST(Detector, ConnectionThatWasOnceAndIsClosedIsNoAbandonedSocket) {
  Witness witness = saw(0);
  witness.flags = slot_flag::live | slot_flag::connect_tried;
  EXPECT_EQ(verdict(witness, in_state(TCP_CLOSE)), Verdict::eof_not_closed);
}

// Every combination: never an accusation of a state that is not over, never without a time.
TEST(Detector, Invariants) {
  for (std::uint8_t state = 0; state <= 13; state++) {
    for (unsigned bits = 0; bits < 64; bits++) {
      Witness witness = (bits & 1U) != 0 ? saw((bits & 2U) != 0 ? ECONNRESET : 0) : accepted();
      if ((bits & 4U) != 0) witness.flags = slot_flag::live;
      if ((bits & 8U) != 0) witness.flags |= slot_flag::connect_tried;
      KernelFacts facts = in_state(state);
      facts.was_connected = (bits & 16U) != 0;
      facts.unread = (bits & 32U) != 0 ? 10 : 0;
      const Finding finding = judge(witness, facts, 0, kNow);
      const bool over = state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSE ||
                        (state == TCP_FIN_WAIT2 && (witness.flags & slot_flag::shut_write) != 0);
      EXPECT_TRUE(over || finding.verdict == Verdict::healthy) << int{state};
      if (finding.verdict == Verdict::healthy) continue;
      EXPECT_GT(finding.since_ns, 0u);
      EXPECT_LE(finding.since_ns, kNow);
      EXPECT_TRUE(witness.sighted || !is_leak(finding.verdict) || finding.verdict == Verdict::abandoned);
    }
  }
}
