// What one thread of a program writes and another, or the command, reads meanwhile: whole, or not at all.
// Under TSan each access is looked at; without it, the values are.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "recording_fixture.h"
#include "watch/evidence.h"
#include "watch/evidence_words.h"
#include "watch/history.h"
#include "watch/report_builder.h"
#include "watch/timeline.h"

namespace socktrack {
namespace {

constexpr std::uint64_t kSecond = test::RecordingFixture::kSecond;

// The writer pauses now and then until the reader has met whole values, so that neither starves the other.
template <typename Write, typename Read>
void while_writing(Write write, Read read) {
  constexpr int kEnough = 20'000;
  std::atomic<int> whole{0};
  std::thread writer([&] {
    for (std::uint64_t turn = 1; whole < kEnough; turn++) {
      write(turn);
      const int seen = whole;
      while (turn % 64 == 0 && seen < kEnough && whole == seen) std::this_thread::yield();
    }
  });
  while (whole < kEnough) {
    if (read()) whole++;
    if (testing::Test::HasFailure()) whole = kEnough;
  }
  writer.join();
}

TEST(ReadWhileWritten, SettingsOfTheLadder) {
  SharedPolicy shared{};
  const auto write = [&](std::uint64_t turn) {
    LadderPolicy policy;
    policy.after_ns = policy.per_hour = turn;
    policy.allowed_count = kMaxAllowed;
    for (std::uint64_t& allowed : policy.allowed) allowed = turn;
    EXPECT_TRUE(store_policy(shared, policy));
  };
  while_writing(write, [&] {
    LadderPolicy policy;
    if (load_policy(shared, policy) == 0) return false;
    EXPECT_EQ(policy.after_ns, policy.per_hour);
    for (const std::uint64_t allowed : policy.allowed) EXPECT_EQ(allowed, policy.after_ns);
    return true;
  });
}

TEST(ReadWhileWritten, Evidence) {
  Group group{};
  const auto write = [&](std::uint64_t turn) {
    EvidenceText text{};
    text.holder_pid = text.worker_tid = text.queue_length = static_cast<std::uint32_t>(turn % 1'000'000 + 1);
    std::memset(text.threads, 'a' + static_cast<int>(text.holder_pid % 26), sizeof text.threads);
    store_evidence(group.evidence, text);
  };
  while_writing(write, [&] {
    const EvidenceFacts facts = evidence_of(group);
    if (facts.holder_pid == 0) return false;
    EXPECT_EQ(facts.worker_tid, facts.holder_pid);
    EXPECT_EQ(facts.queue_length, static_cast<std::uint32_t>(facts.holder_pid));
    EXPECT_EQ(facts.threads_now,
              std::string(sizeof(EvidenceText::threads), static_cast<char>('a' + facts.holder_pid % 26)));
    return true;
  });
}

// Thinned out again and again: counts stay with their time.
TEST(ReadWhileWritten, TheCourseOfARun) {
  test::RecordingFixture fixture;
  constexpr std::uint64_t kBegin = 500 * kSecond;
  fixture.header().created_monotonic_ns = kBegin;
  History& history = fixture.history();
  const auto write = [&](std::uint64_t turn) {
    if (turn % 4096 == 0) history.used.store(0);  // from the beginning: steps stay short
    if (turn % 4096 == 0) history.step_ns = 0;
    const std::uint64_t step = turn % 4096 + 1;
    note_moment(history, {kBegin + step * kHistoryFirstStepNs, step, step, step, step},
                [](const void*, std::size_t) { return true; });
  };
  const RecordingView view = RecordingView::of_memory(fixture.data(), fixture.size());
  while_writing(write, [&] {
    for (const TimelinePoint& point : timeline_of(view, {}, 0)) {
      const auto step = static_cast<std::uint64_t>(point.at_s * 1e9 / kHistoryFirstStepNs + 0.5);
      if (point.live == 0) continue;  // the beginning
      EXPECT_EQ(point.live, step);
      EXPECT_EQ(point.fds_open, step);
    }
    return true;
  });
}

}  // namespace
}  // namespace socktrack
