// The course of a run: how it is thinned, and what a reader makes of it.
#include "watch/history.h"

#include <gmock/gmock.h>

#include <memory>

#include "recording_fixture.h"
#include "watch/report_builder.h"

namespace socktrack {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kStep = kHistoryFirstStepNs;
constexpr std::uint64_t kSecond = test::RecordingFixture::kSecond;

bool usable(const void*, std::size_t) { return true; }
bool unusable(const void*, std::size_t) { return false; }

struct HistoryOf : testing::Test {
  std::unique_ptr<History> history = std::make_unique<History>();
  void note(std::uint64_t at_ns) { note_moment(*history, {at_ns, at_ns / kStep, 0, 0, 0}, usable); }
  std::uint64_t at(std::uint32_t index) const { return history->samples[index].at_ns.load(); }
  std::uint64_t last() const { return at(history->used - 1); }
};

TEST_F(HistoryOf, SamplesCloserThanTheStepAreOne) {
  for (const std::uint64_t moment : {kStep, kStep, kStep + 1, 2 * kStep - 1, 2 * kStep, kStep / 2})
    note(moment);
  EXPECT_EQ(history->used, 2U);
  EXPECT_EQ(at(0), kStep);
  EXPECT_EQ(at(1), 2 * kStep);
}

TEST_F(HistoryOf, FullItIsThinnedToEveryOtherSampleAndTwiceTheStep) {
  for (std::uint64_t i = 1; i <= kHistorySamples; i++) note(i * kStep);
  EXPECT_EQ(history->used, kHistorySamples);
  note((kHistorySamples + 1) * kStep);
  ASSERT_EQ(history->used, kHistorySamples / 2 + 1);
  for (std::uint32_t i = 0; i <= kHistorySamples / 2; i++) {
    EXPECT_EQ(at(i), (2 * i + 1) * kStep);
    EXPECT_EQ(history->samples[i].live.load(), at(i) / kStep) << "counts stay with their time";
  }
  EXPECT_EQ(history->step_ns, 2 * kStep);
  note((kHistorySamples + 2) * kStep);
  EXPECT_EQ(history->used, kHistorySamples / 2 + 1) << "too young for the new step";
}

// However long it goes on and however often it is asked: from the first sample to the latest, without a gap.
TEST_F(HistoryOf, CoversTheWholeRunEvenly) {
  for (const std::uint64_t between : {kStep, 3 * kStep, 20 * kStep + 7}) {
    history = std::make_unique<History>();
    constexpr std::uint64_t looks = 100'000;
    for (std::uint64_t i = 1; i <= looks; i++) note(i * between);
    EXPECT_EQ(at(0), between);
    EXPECT_GE(history->used, kHistorySamples / 2);
    std::uint64_t widest = 0;
    for (std::uint32_t i = 1; i < history->used; i++) {
      ASSERT_GT(at(i), at(i - 1));
      widest = std::max(widest, at(i) - at(i - 1));
    }
    EXPECT_LE(widest, 2 * looks * between / (kHistorySamples / 2));
    EXPECT_GE(last(), looks * between - widest);
  }
}

TEST_F(HistoryOf, MemoryThatCannotBeHadIsNotWritten) {
  note_moment(*history, {kStep, 1, 1, 1, 1}, unusable);
  EXPECT_EQ(history->used, 0U);
  EXPECT_EQ(at(0), 0U);
}

class Timeline : public testing::Test {
 protected:
  Timeline() {
    fixture_.header().created_monotonic_ns = kBegin;
    fixture_.header().swept_monotonic_ns = kBegin + 9 * kSecond;
    fixture_.header().opened = 7;
    fixture_.header().closed = 2;
    fixture_.header().fds_open = 12;
  }
  void note(double at_s, std::uint64_t live, std::uint64_t leaked) {
    note_moment(fixture_.history(),
                {kBegin + static_cast<std::uint64_t>(at_s * 1e9), live, leaked, 0, live + 4}, usable);
  }
  // "at live leaked fds"
  std::vector<std::string> points() {
    NoNames names;
    std::vector<std::string> texts;
    const RecordingView view = RecordingView::of_memory(fixture_.data(), fixture_.size());
    for (const TimelinePoint& each : build_process(view, {}, names).timeline) {
      texts.push_back(std::to_string(static_cast<int>(each.at_s * 10)) + " " + std::to_string(each.live) +
                      " " + std::to_string(each.leaked) + " " + std::to_string(each.fds_open));
    }
    return texts;
  }

  static constexpr std::uint64_t kBegin = 500 * kSecond;
  test::RecordingFixture fixture_;
};

TEST_F(Timeline, ARunShorterThanALookHasItsBeginningAndItsEnd) {
  EXPECT_THAT(points(), ElementsAre("0 0 0 0", "90 5 0 12"));
}

TEST_F(Timeline, OfAStretchWithoutChangeTheEndsAreKept) {
  for (const double at : {1.0, 2.0, 3.0, 4.0}) note(at, 3, 0);
  note(5, 6, 1);
  EXPECT_THAT(points(), ElementsAre("0 0 0 0", "10 3 0 7", "40 3 0 7", "50 6 1 10", "90 5 0 12"));
}

TEST_F(Timeline, EndsWhereTheProgramEnded) {
  fixture_.header().ended_monotonic_ns = kBegin + 20 * kSecond;
  EXPECT_THAT(points(), ElementsAre("0 0 0 0", "200 5 0 12"));
}

TEST_F(Timeline, AForkedChildBeginsWithWhatItInherited) {
  fixture_.header().inherited = 2;
  EXPECT_THAT(points(), ElementsAre("0 2 0 0", "90 7 0 12"));
}

TEST_F(Timeline, TheFirstLookMayBeOlderThanTheRecordingByACoarseClock) {
  note(-0.004, 3, 0);
  EXPECT_THAT(points(), ElementsAre("0 0 0 0", "0 3 0 7", "90 5 0 12"));
}

TEST_F(Timeline, WhatIsThinnedOutWhileItIsReadIsTakenOnce) {
  for (int i = 1; i <= 8; i++) note(i, i, 0);
  HistorySample* samples = fixture_.history().samples;
  for (int i = 1; i < 3; i++) samples[i].at_ns = samples[2 * i].at_ns.load();  // 1 3 5 4 5 6 7 8
  samples[6].at_ns = 0;                                                        // being written
  samples[2].live = 5;
  samples[1].live = 3;
  EXPECT_THAT(points(), ElementsAre("0 0 0 0", "10 1 0 5", "30 3 0 6", "50 5 0 7", "60 6 0 10", "80 8 0 12",
                                    "90 5 0 12"));
}

TEST_F(Timeline, MoreSamplesThanThereIsRoomForAreNotBelieved) {
  fixture_.history().used = UINT32_MAX;
  EXPECT_THAT(points(), ElementsAre("0 0 0 0", "90 5 0 12"));
}

}  // namespace
}  // namespace socktrack
