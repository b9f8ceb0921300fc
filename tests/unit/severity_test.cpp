// When a group is a leak, and when the program itself has shown that it is none.
#include "watch/severity.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "recording_fixture.h"

namespace socktrack {
namespace {

constexpr std::uint64_t kSecond = test::RecordingFixture::kSecond;

class SeverityOf : public testing::Test {
 protected:
  Group& group(Verdict verdict, std::uint32_t spoken, std::uint32_t late) {
    Group& made = fixture_.group(fixture_.add_group(verdict, 0, 0, spoken));
    made.late_closes = late;
    return made;
  }
  static void sizes(Group& group, std::initializer_list<std::uint32_t> all) {
    for (const std::uint32_t size : all) {
      group.sizes[group.sizes_used++] = (std::uint64_t{group.sizes_used} << 32U) | size;
    }
  }
  test::RecordingFixture fixture_;
};

TEST_F(SeverityOf, ASocketNotClosedIsALeak) {
  for (const Verdict verdict : {Verdict::eof_not_closed, Verdict::error_not_closed, Verdict::abandoned}) {
    EXPECT_EQ(severity_of(group(verdict, 1, 0)), Severity::leak);
  }
}

TEST_F(SeverityOf, OtherVerdictsAreNone) {
  for (const Verdict verdict : {Verdict::fin_unread, Verdict::data_unread, Verdict::never_accepted,
                                Verdict::inherited, Verdict::half_open_peer}) {
    EXPECT_EQ(severity_of(group(verdict, 1000, 0)), Severity::info);
  }
}

TEST_F(SeverityOf, AGroupThatHoldsItsSizeIsALeakAllTheSame) {
  Group& steady = group(Verdict::eof_not_closed, 5, 0);
  sizes(steady, {5, 5, 5, 5, 5, 5, 5, 5});
  EXPECT_EQ(trend_of(steady), Trend::steady);
  EXPECT_EQ(severity_of(steady), Severity::leak);
  EXPECT_EQ(leaked_in(steady), 5U);
}

TEST_F(SeverityOf, APoolThatClosesWhenItLooksAgainIsNone) {
  Group& pool = group(Verdict::eof_not_closed, 12, 7);
  EXPECT_EQ(severity_of(pool), Severity::info);
  EXPECT_EQ(leaked_in(pool), 0U);
  EXPECT_EQ(still_accused(pool), 5U);
}

TEST_F(SeverityOf, WhatTheCollectorClosesExcusesNothing) {
  Group& collected = group(Verdict::eof_not_closed, 30, 20);
  collected.collected = 20;
  EXPECT_EQ(severity_of(collected), Severity::leak);
  collected.collected = 0;
  EXPECT_EQ(severity_of(collected), Severity::info);
}

TEST_F(SeverityOf, FewLateClosesExcuseNothing) {
  EXPECT_EQ(severity_of(group(Verdict::eof_not_closed, 4, kReuses - 1)), Severity::leak);
  EXPECT_EQ(severity_of(group(Verdict::eof_not_closed, 100, 40)), Severity::leak);
}

TEST_F(SeverityOf, AGroupThatGrowsIsALeakWhateverIsClosedLate) {
  Group& growing = group(Verdict::eof_not_closed, 60, 30);
  sizes(growing, {1, 3, 6, 9, 14, 18, 22, 30});
  EXPECT_EQ(trend_of(growing), Trend::growing);
  EXPECT_EQ(severity_of(growing), Severity::leak);
}

TEST_F(SeverityOf, WhatWasYoungAtExitIsNone) {
  Group& young = group(Verdict::eof_not_closed, 9, 0);
  young.flags = group_flag::at_exit;
  EXPECT_EQ(severity_of(young), Severity::info);
}

TEST_F(SeverityOf, TrendsNeedAFewSamples) {
  Group& young = group(Verdict::eof_not_closed, 9, 0);
  sizes(young, {1, 5, 9});
  EXPECT_EQ(trend_of(young), Trend::unknown);
  Group& shrinking = group(Verdict::eof_not_closed, 9, 0);
  sizes(shrinking, {40, 38, 30, 20, 12, 5});
  EXPECT_EQ(trend_of(shrinking), Trend::shrinking);
}

TEST_F(SeverityOf, HistoryCoversTheWholeTimeHoweverLong) {
  Group& long_lived = group(Verdict::eof_not_closed, 0, 0);
  for (std::uint32_t second = 1; second <= 1000; second++) {
    long_lived.spoken = second;
    note_size(long_lived, second * kSecond);
    note_size(long_lived, second * kSecond);  // twice in a second is once
  }
  const std::uint32_t used = long_lived.sizes_used;
  ASSERT_LE(used, kSizeSamples);
  ASSERT_GE(used, kSizeSamples / 2);
  EXPECT_EQ(long_lived.sizes[0].load() >> 32U, 1U);
  EXPECT_GT(long_lived.sizes[used - 1].load() >> 32U, 800U);
  for (std::uint32_t i = 1; i < used; i++)
    EXPECT_LT(long_lived.sizes[i - 1].load(), long_lived.sizes[i].load());
  EXPECT_EQ(trend_of(long_lived), Trend::growing);
}

}  // namespace
}  // namespace socktrack
