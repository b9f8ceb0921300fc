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
