#include "watch/timeline.h"

#include <algorithm>

#include "watch/recording_reader.h"

namespace socktrack {
namespace {

bool counts_equal(const TimelinePoint& a, const TimelinePoint& b) {
  return a.live == b.live && a.leaked == b.leaked && a.mitigated == b.mitigated && a.fds_open == b.fds_open;
}

// The same curve: of a stretch in which nothing changes, its two ends.
std::vector<TimelinePoint> without_repetitions(const std::vector<TimelinePoint>& points) {
  std::vector<TimelinePoint> kept;
  for (std::size_t i = 0; i < points.size(); i++) {
    const bool is_inner = i > 0 && i + 1 < points.size();
    const bool repeats =
        is_inner && counts_equal(points[i], points[i - 1]) && counts_equal(points[i], points[i + 1]);
    if (!repeats) kept.push_back(points[i]);
  }
  return kept;
}

}  // namespace

std::vector<TimelinePoint> timeline_of(const RecordingView& recording, const TimelinePoint& latest,
                                       std::uint64_t latest_ns) {
  const std::uint64_t start = recording.header().created_monotonic_ns;
  std::vector<TimelinePoint> points;
  std::uint64_t at = start;
  const auto add = [&](TimelinePoint point, std::uint64_t at_ns) {
    point.at_s = static_cast<double>(at_ns - start) / 1e9;
    points.push_back(point);
    at = at_ns;
  };
  add({.live = recording.header().inherited.load()}, start);
  const History& history = recording.history();
  const std::uint32_t used = std::min(history.used.load(std::memory_order_acquire), kHistorySamples);
  for (std::uint32_t i = 0; i < used; i++) {
    const HistorySample& sample = history.samples[i];
    const std::uint64_t at_ns = sample.at_ns.load(std::memory_order_acquire);
    // Not later than the one before: half written, or thinned out while it was read, so that those that were
    // moved already repeat what comes. The first is of a coarse clock, which is behind.
    if (at_ns <= at && !(i == 0 && at_ns > 0)) continue;
    const TimelinePoint point{.live = sample.live.load(std::memory_order_acquire),
                              .leaked = sample.leaked.load(std::memory_order_acquire),
                              .mitigated = sample.mitigated.load(std::memory_order_acquire),
                              .fds_open = sample.fds_open.load(std::memory_order_acquire)};
    if (sample.at_ns.load(std::memory_order_relaxed) != at_ns) continue;  // moved while we read
    add(point, std::max(at_ns, start));
  }
  if (latest_ns > at) add(latest, latest_ns);
  return without_repetitions(points);
}

}  // namespace socktrack
