// Who may be acted on: every row of design.md section 6 and docs/mitigation.md, one fact changed at a time
// from a leak that everything allows.
#include "watch/eligibility.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <cstring>
#include <set>
#include <string>

#include "watch/ladder_words.h"
#include "watch/vocabulary.h"

using namespace socktrack;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kOurs = 0x1111222233334444;
constexpr Rung kActing[] = {Rung::probe, Rung::finish, Rung::park, Rung::close};

LadderPolicy policy(Rung rung) {
  LadderPolicy made;
  made.rung = rung;
  made.allowed[0] = kOurs;
  made.allowed_count = 1;
  made.after_ns = 60 * kSecond;
  return made;
}

LeakFacts leak() {
  LeakFacts made;
  made.verdict = Verdict::eof_not_closed;
  made.flags = slot_flag::live | slot_flag::accepted | slot_flag::sighted;
  made.idle_ns = 61 * kSecond;
  made.group_grace_ns = 10 * kSecond;
  made.fingerprint = kOurs;
  return made;
}

KernelFacts close_wait() {
  KernelFacts made;
  made.state = TCP_CLOSE_WAIT;
  made.was_connected = true;
  return made;
}

Refusal refusal(Rung rung, const LeakFacts& facts) { return plan_for(policy(rung), {}, facts).refusal; }

}  // namespace

TEST(Eligibility, ALeakThatEverythingAllows) {
  for (const Rung rung : kActing) {
    const Plan plan = plan_for(policy(rung), {}, leak());
    EXPECT_TRUE(plan.allowed()) << name_of(rung);
    EXPECT_EQ(plan.rung, rung);
  }
}

TEST(Eligibility, NothingIsDoneByDefault) {
  EXPECT_EQ(plan_for({}, {}, leak()).refusal, Refusal::observing);
  LadderPolicy nobody = policy(Rung::park);
  nobody.allowed_count = 0;
  EXPECT_EQ(plan_for(nobody, {}, leak()).refusal, Refusal::not_allowed);
}

TEST(Eligibility, Verdicts) {
  for (const Rung rung : kActing) {
    LeakFacts facts = leak();
    for (const Verdict verdict : {Verdict::eof_not_closed, Verdict::error_not_closed, Verdict::abandoned}) {
      facts.verdict = verdict;
      EXPECT_EQ(refusal(rung, facts), Refusal::none) << name_of(verdict);
    }
    for (const Verdict verdict : {Verdict::healthy, Verdict::data_unread, Verdict::never_accepted,
                                  Verdict::inherited, Verdict::half_open_peer}) {
      facts.verdict = verdict;
      EXPECT_EQ(refusal(rung, facts), Refusal::verdict_never) << name_of(verdict);
    }
  }
}

TEST(Eligibility, AnUnreadFinIsOnlyProbed) {
  LeakFacts facts = leak();
  facts.verdict = Verdict::fin_unread;
  const Plan plan = plan_for(policy(Rung::close), {}, facts);
  EXPECT_TRUE(plan.allowed());
  EXPECT_EQ(plan.rung, Rung::probe);
  facts.reached = Rung::probe;
  EXPECT_EQ(refusal(Rung::close, facts), Refusal::probe_only);
  EXPECT_EQ(refusal(Rung::probe, facts), Refusal::done);
}

TEST(Eligibility, OnlyGroupsThatTheUserAllowed) {
  LeakFacts other = leak();
  other.fingerprint = kOurs + 1;
  EXPECT_EQ(refusal(Rung::park, other), Refusal::not_allowed);
  other.fingerprint = 0;  // not known yet
  EXPECT_EQ(refusal(Rung::park, other), Refusal::not_allowed);
  LadderPolicy all = policy(Rung::park);
  all.allowed_count = 0;
  all.allow_all = true;
  EXPECT_TRUE(plan_for(all, {}, other).allowed());
}

TEST(Eligibility, CloseIsChosenByName) {
  LadderPolicy all = policy(Rung::close);
  all.allowed_count = 0;
  all.allow_all = true;
  EXPECT_EQ(plan_for(all, {}, leak()).rung, Rung::park);
  EXPECT_EQ(plan_for(policy(Rung::close), {}, leak()).rung, Rung::close);
  LeakFacts late = leak();
  late.group_closes_late = true;
  EXPECT_EQ(plan_for(policy(Rung::close), {}, late).rung, Rung::park);
}

TEST(Eligibility, GroupsThatHaveProvedUsWrong) {
  for (const Rung rung : kActing) {
    LeakFacts facts = leak();
    facts.group_off = true;
    EXPECT_EQ(refusal(rung, facts), Refusal::off_ladder);
    facts = leak();
    facts.group_answers = true;
    EXPECT_EQ(refusal(rung, facts), Refusal::answers_later);
  }
}

TEST(Eligibility, Age) {
  LeakFacts facts = leak();
  facts.idle_ns = 60 * kSecond - 1;
  EXPECT_EQ(refusal(Rung::probe, facts), Refusal::too_young);
  facts.idle_ns = 60 * kSecond;
  EXPECT_EQ(refusal(Rung::probe, facts), Refusal::none);
  facts.group_grace_ns = 90 * kSecond;  // late closes have raised it
  EXPECT_EQ(refusal(Rung::probe, facts), Refusal::too_young);
}

TEST(Eligibility, Pressure) {
  LadderPolicy at = policy(Rung::park);
  at.at_percent = 80;
  EXPECT_EQ(plan_for(at, {}, leak()).refusal, Refusal::not_short);
  EXPECT_TRUE(plan_for(at, {.short_of_descriptors = true}, leak()).allowed());
}

TEST(Eligibility, SlotsThatAreNeverTouched) {
  const struct {
    std::uint32_t flag;
    Refusal refusal;
  } rows[] = {{slot_flag::unix_stream, Refusal::other_kind}, {slot_flag::listener, Refusal::listener},
              {slot_flag::ignored, Refusal::program_asked},  {slot_flag::inherited, Refusal::inherited},
              {slot_flag::passed, Refusal::passed},          {slot_flag::duplicate, Refusal::duplicated}};
  for (const auto& row : rows) {
    for (const Rung rung : kActing) {
      LeakFacts facts = leak();
      facts.flags |= row.flag;
      EXPECT_EQ(refusal(rung, facts), row.refusal) << name_of(row.refusal) << ' ' << name_of(rung);
    }
  }
}

TEST(Eligibility, AFileWhoseWritesNobodySees) {
  LeakFacts facts = leak();
  facts.flags |= slot_flag::stdio;
  EXPECT_EQ(refusal(Rung::probe, facts), Refusal::none);
  EXPECT_EQ(refusal(Rung::finish, facts), Refusal::stdio);
  EXPECT_TRUE(plan_for(policy(Rung::finish), {.sigpipe_kills = false}, facts).allowed());
}

TEST(Eligibility, NumbersThatCannotBeGuarded) {
  const ProcessFacts unseen{.unseen_closes = true};
  EXPECT_TRUE(plan_for(policy(Rung::finish), unseen, leak()).allowed());
  EXPECT_EQ(plan_for(policy(Rung::park), unseen, leak()).refusal, Refusal::unseen_closes);
  EXPECT_EQ(plan_for(policy(Rung::close), unseen, leak()).refusal, Refusal::unseen_closes);
}

TEST(Eligibility, EachRungOnce) {
  for (const Rung rung : kActing) {
    LeakFacts facts = leak();
    facts.reached = rung;
    EXPECT_EQ(refusal(rung, facts), Refusal::done);
  }
  LeakFacts finished = leak();
  finished.reached = Rung::finish;
  EXPECT_EQ(refusal(Rung::probe, finished), Refusal::done);
  EXPECT_EQ(refusal(Rung::park, finished), Refusal::none);
}

TEST(Eligibility, TheKernelsWord) {
  for (const Rung rung : kActing) {
    EXPECT_EQ(refusal_of_kernel(rung, close_wait()), Refusal::none);
    KernelFacts facts = close_wait();
    facts.unread = 1;  // also a TLS close_notify before the FIN
    EXPECT_EQ(refusal_of_kernel(rung, facts), Refusal::unread_data);
    facts = close_wait();
    facts.unsent = 1;  // a legal half-close that is still delivering
    EXPECT_EQ(refusal_of_kernel(rung, facts), Refusal::unsent_data);
    for (const std::uint8_t state :
         {TCP_ESTABLISHED, TCP_SYN_SENT, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LISTEN}) {
      facts = close_wait();
      facts.state = state;
      EXPECT_EQ(refusal_of_kernel(rung, facts), Refusal::wrong_state) << int{state};
    }
  }
  KernelFacts gone = close_wait();
  gone.state = TCP_CLOSE;
  EXPECT_EQ(refusal_of_kernel(Rung::probe, gone), Refusal::already_closed);
  EXPECT_EQ(refusal_of_kernel(Rung::finish, gone), Refusal::already_closed);
  EXPECT_EQ(refusal_of_kernel(Rung::park, gone), Refusal::none);
  EXPECT_EQ(refusal_of_kernel(Rung::close, gone), Refusal::none);
}

TEST(Eligibility, OthersWhoUseIt) {
  const Surroundings alone{.known = true};
  for (const Rung rung : {Rung::finish, Rung::park, Rung::close}) {
    EXPECT_EQ(refusal_of_surroundings(rung, alone), Refusal::none);
    EXPECT_EQ(refusal_of_surroundings(rung, {}), Refusal::not_inspected);
    EXPECT_EQ(refusal_of_surroundings(rung, {.known = true, .other_process = true}), Refusal::other_process);
    EXPECT_EQ(refusal_of_surroundings(rung, {.known = true, .thread_inside = true}), Refusal::thread_inside);
  }
  EXPECT_EQ(refusal_of_surroundings(Rung::probe, {}), Refusal::none);
  const Surroundings spins{.known = true, .epoll_spins = true};
  EXPECT_EQ(refusal_of_surroundings(Rung::finish, spins), Refusal::epoll_spins);
  EXPECT_EQ(refusal_of_surroundings(Rung::park, spins), Refusal::none);  // taken out of the set first
  const Surroundings unknown{.known = true, .epoll_unknown = true};
  EXPECT_EQ(refusal_of_surroundings(Rung::finish, unknown), Refusal::none);
  EXPECT_EQ(refusal_of_surroundings(Rung::park, unknown), Refusal::epoll_unknown);
}

TEST(RateLimit, GivesASecondsWorthAndNoMore) {
  RateLimit limit;
  EXPECT_EQ(limit.available(36'000, 1000 * kSecond), 10U);
  limit.take(10);
  EXPECT_EQ(limit.available(36'000, 1000 * kSecond), 0U);
  EXPECT_EQ(limit.available(36'000, 1000 * kSecond + kSecond / 2), 5U);
  EXPECT_EQ(limit.available(36'000, 2000 * kSecond), 10U);
}

TEST(RateLimit, LessThanOnePerSecond) {
  RateLimit limit;
  EXPECT_EQ(limit.available(60, 1000 * kSecond), 1U);  // one a minute
  limit.take(1);
  EXPECT_EQ(limit.available(60, 1059 * kSecond), 0U);
  EXPECT_EQ(limit.available(60, 1061 * kSecond), 1U);
}

TEST(LadderWords, EveryRefusalHasItsOwn) {
  std::set<std::string> names;
  for (std::uint32_t i = 1; i < kRefusals; i++) {
    const auto each = static_cast<Refusal>(i);
    EXPECT_STRNE(name_of(each), "") << i;
    EXPECT_STRNE(sentence_of(each), "") << i;
    EXPECT_TRUE(names.insert(name_of(each)).second) << name_of(each);
  }
}

TEST(LadderControl, TravelsThroughSharedMemory) {
  LadderControl control{};
  LadderPolicy read;
  EXPECT_EQ(load_policy(control.active, read), 0U);  // nothing was ever written
  const LadderPolicy written = policy(Rung::park);
  ASSERT_TRUE(store_policy(control.active, written));
  EXPECT_EQ(load_policy(control.active, read), 2U);
  EXPECT_EQ(read.rung, Rung::park);
  EXPECT_EQ(read.after_ns, 60 * kSecond);
  EXPECT_TRUE(names_group(read, kOurs));
  control.active.sequence = 3;  // somebody is writing
  EXPECT_EQ(load_policy(control.active, read), 0U);
  EXPECT_FALSE(store_policy(control.active, written));
}

TEST(LadderControl, NonsenseIsCut) {
  LadderControl control{};
  ASSERT_TRUE(store_policy(control.active, policy(Rung::park)));
  control.active.rung = 77;
  control.active.allowed_count = 1000;
  control.active.at_percent = 1000;
  LadderPolicy read;
  EXPECT_NE(load_policy(control.active, read), 0U);
  EXPECT_EQ(read.rung, Rung::observe);
  EXPECT_EQ(read.allowed_count, kMaxAllowed);
  EXPECT_EQ(read.at_percent, 100);
}
