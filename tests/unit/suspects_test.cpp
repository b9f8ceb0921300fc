// What is left to tell of a program that was killed before the grace was over.
#include "watch/suspects.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "recording_fixture.h"
#include "watch/report_builder.h"

using namespace socktrack;
using socktrack::test::RecordingFixture;

namespace {

constexpr std::uint64_t kDead = RecordingFixture::kNow - 3 * RecordingFixture::kSecond;

void add_suspect(RecordingFixture& recording, std::uint32_t fd, Sighting sighting,
                 std::uint64_t dead_since = kDead) {
  Slot& slot = recording.slot(fd);
  const bool sighted = sighting.operation != Operation::none;
  sighting.generation = 1;
  slot.word = make_word(1, slot_flag::live | slot_flag::accepted | (sighted ? slot_flag::sighted : 0U));
  slot.sighting = pack(sighting);
  slot.open_site = 1;
  slot.watched_generation = 1;
  slot.dead_since_ns = dead_since;
  recording.header().highest_slot = fd + 1;
}

ProcessReport report_of(RecordingFixture& recording, bool running = false) {
  NoNames names;
  ProcessFate fate;
  fate.running = running;
  return build_process(RecordingView::of_memory(recording.data(), recording.size()), fate, names);
}

}  // namespace

TEST(Suspects, AreGroupedByWhatWasSeen) {
  RecordingFixture recording;
  recording.add_site({make_frame(kNoModule, 1)});
  add_suspect(recording, 5, {0, Operation::recv, 0, 2});
  add_suspect(recording, 6, {0, Operation::recv, 0, 2}, kDead - RecordingFixture::kSecond);
  add_suspect(recording, 7, {0, Operation::send, EPIPE, 3});
  add_suspect(recording, 8, {0, Operation::none, 0, 0});
  add_suspect(recording, 9, {0, Operation::connect, ECONNREFUSED, 4});
  const ProcessReport report = report_of(recording);
  ASSERT_EQ(report.open_at_exit.size(), 4u);
  EXPECT_EQ(report.open_at_exit[0].verdict, Verdict::eof_not_closed);
  EXPECT_EQ(report.open_at_exit[0].count, 2u);
  EXPECT_DOUBLE_EQ(report.open_at_exit[0].oldest_s, 4.0);
  EXPECT_EQ(report.open_at_exit[1].verdict, Verdict::error_not_closed);
  EXPECT_EQ(report.open_at_exit[1].error, "EPIPE");
  EXPECT_EQ(report.open_at_exit[2].verdict, Verdict::fin_unread);
  EXPECT_EQ(report.open_at_exit[3].verdict, Verdict::abandoned);
  EXPECT_EQ(report.leaked, 0u);
  EXPECT_TRUE(report.groups.empty());
}

TEST(Suspects, AreNotToldOfTheLivingNorAfterALastLook) {
  RecordingFixture recording;
  recording.add_site({make_frame(kNoModule, 1)});
  add_suspect(recording, 5, {0, Operation::recv, 0, 2});
  EXPECT_TRUE(report_of(recording, true).open_at_exit.empty());
  recording.header().final_sweep = 1;
  EXPECT_TRUE(report_of(recording).open_at_exit.empty());
}

TEST(Suspects, MustBeOpenDeadAndNotYetAccused) {
  RecordingFixture recording;
  recording.add_site({make_frame(kNoModule, 1)});
  add_suspect(recording, 5, {0, Operation::recv, 0, 2});
  recording.slot(5).accusation = 1;
  add_suspect(recording, 6, {0, Operation::recv, 0, 2}, 0);
  add_suspect(recording, 7, {0, Operation::recv, 0, 2});
  recording.slot(7).word = make_word(1, slot_flag::sighted);  // closed
  add_suspect(recording, 8, {0, Operation::recv, 0, 2});
  recording.slot(8).watched_generation = 2;  // what was found belongs to an earlier socket
  EXPECT_TRUE(report_of(recording).open_at_exit.empty());
}

// The program was told of an end, and killed before the next look.
TEST(Suspects, MayHaveEndedAfterTheLastLook) {
  RecordingFixture recording;
  recording.add_site({make_frame(kNoModule, 1)});
  const auto told_at = [&](std::uint32_t fd, std::uint64_t seen_ns, std::uint32_t watched_generation) {
    add_suspect(recording, fd, {0, Operation::recv, 0, 2}, 0);
    recording.slot(fd).sighted_ns = seen_ns;
    recording.slot(fd).watched_generation = watched_generation;
  };
  constexpr std::uint64_t kLook = RecordingFixture::kNow;
  told_at(5, kLook + 1, 1);
  told_at(6, kLook - 1, 1);  // the look found that it is not over
  told_at(7, kLook + 1, 0);  // opened after the look; what was watched at that number is another one
  recording.slot(7).accusation = 1;
  recording.slot(7).dead_since_ns = kDead;
  add_suspect(recording, 8, {0, Operation::none, 0, 0}, 0);  // nobody was told anything
  recording.slot(8).sighted_ns = kLook + 1;
  told_at(9, kLook + 1, 1);
  recording.slot(9).word.fetch_or(slot_flag::ignored);  // as the program asked
  const ProcessReport report = report_of(recording);
  ASSERT_EQ(report.open_at_exit.size(), 1U);
  EXPECT_EQ(report.open_at_exit[0].count, 2U);
  EXPECT_EQ(report.open_at_exit[0].verdict, Verdict::eof_not_closed);
}
