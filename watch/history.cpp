#include "watch/history.h"

#include <algorithm>
#include <cstddef>

namespace socktrack {
namespace {

std::uint32_t clamped(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, UINT32_MAX));
}

// A reader that meets it half written sees no time, or another one afterwards, and passes on: each value is
// released, so that whoever has read a new one finds the time gone.
void write(HistorySample& sample, const Moment& moment) {
  sample.at_ns.store(0, std::memory_order_relaxed);
  sample.live.store(clamped(moment.live), std::memory_order_release);
  sample.leaked.store(clamped(moment.leaked), std::memory_order_release);
  sample.mitigated.store(clamped(moment.mitigated), std::memory_order_release);
  sample.fds_open.store(clamped(moment.fds_open), std::memory_order_release);
  sample.at_ns.store(moment.at_ns, std::memory_order_release);
}

void copy(HistorySample& to, const HistorySample& from) {
  write(to, {from.at_ns.load(std::memory_order_relaxed), from.live.load(std::memory_order_relaxed),
             from.leaked.load(std::memory_order_relaxed), from.mitigated.load(std::memory_order_relaxed),
             from.fds_open.load(std::memory_order_relaxed)});
}

// Full: every other sample goes. The next ones come as far apart as those that stay.
void thin_out(History& history) {
  constexpr std::uint32_t kept = kHistorySamples / 2;
  for (std::size_t i = 1; i < kept; i++) copy(history.samples[i], history.samples[2 * i]);
  history.used.store(kept, std::memory_order_release);
  const std::uint64_t span = history.samples[kept - 1].at_ns.load() - history.samples[0].at_ns.load();
  history.step_ns = std::max(2 * std::max(history.step_ns, kHistoryFirstStepNs), span / kept);
}

}  // namespace

std::uint64_t live_in(const Header& recording) {
  const std::uint64_t had = recording.opened.load() + recording.inherited.load();
  const std::uint64_t closed = recording.closed.load();
  return had > closed ? had - closed : 0;
}

void note_moment(History& history, const Moment& moment, bool (*touch)(const void* at, std::size_t size)) {
  if (!touch(&history, offsetof(History, samples))) return;
  std::uint32_t used = std::min(history.used.load(std::memory_order_relaxed), kHistorySamples);
  if (used > 0) {
    const std::uint64_t last = history.samples[used - 1].at_ns.load(std::memory_order_relaxed);
    if (moment.at_ns < last + std::max(history.step_ns, kHistoryFirstStepNs)) return;
  }
  if (used == kHistorySamples) {
    thin_out(history);
    used = kHistorySamples / 2;
  }
  HistorySample& sample = history.samples[used];
  if (!touch(&sample, sizeof sample)) return;
  write(sample, moment);
  history.used.store(used + 1, std::memory_order_release);
}

}  // namespace socktrack
