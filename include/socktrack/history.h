// The course of a run, in the recording: how many sockets were live, leaked and mitigated, and how many
// descriptors were open, over time. Bounded: when it is full, every other sample goes and the next ones come
// half as often, so that it always covers the whole run. Written by the watcher: watch/history.h.
#pragma once

#include <atomic>
#include <cstdint>

namespace socktrack {

inline constexpr std::uint32_t kHistorySamples = 512;

struct HistorySample {
  std::atomic<std::uint64_t> at_ns;  // CLOCK_MONOTONIC; 0 = being written, set last (release)
  std::atomic<std::uint32_t> live;   // as in the header, at that moment
  std::atomic<std::uint32_t> leaked;
  std::atomic<std::uint32_t> mitigated;
  std::atomic<std::uint32_t> fds_open;  // 0 = not known
};
static_assert(sizeof(HistorySample) == 24);

struct History {
  std::atomic<std::uint32_t> used;
  std::uint32_t reserved;
  std::uint64_t step_ns;  // least time between two samples; 0 = as at the beginning
  HistorySample samples[kHistorySamples];
};
static_assert(sizeof(History) == 16 + 24 * kHistorySamples);

}  // namespace socktrack
