#include "watch/severity.h"

#include <algorithm>
#include <cstddef>

#include "watch/vocabulary.h"

namespace socktrack {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint32_t size_in(std::uint64_t sample) { return static_cast<std::uint32_t>(sample); }

std::uint64_t average(const Group& group, std::uint32_t from, std::uint32_t to) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = from; i < to; i++) sum += size_in(group.sizes[i].load(std::memory_order_relaxed));
  return sum / std::max(to - from, 1U);
}

// Full: every other sample goes, the next ones come half as often.
void thin_out(Group& group) {
  for (std::uint32_t i = 0; i < kSizeSamples / 2; i++) {
    group.sizes[i].store(group.sizes[std::size_t{2} * i].load(std::memory_order_relaxed),
                         std::memory_order_relaxed);
  }
  group.sizes_used.store(kSizeSamples / 2, std::memory_order_release);
  group.size_step_s = std::max(group.size_step_s, 1U) * 2;
}

}  // namespace

std::uint64_t still_accused(const Group& group) {
  const std::uint64_t over = std::uint64_t{group.late_closes.load()} + group.withdrawn.load();
  const std::uint64_t spoken = group.spoken.load();
  return spoken > over ? spoken - over : 0;
}

Trend trend_of(const Group& group) {
  const std::uint32_t used = std::min(group.sizes_used.load(std::memory_order_acquire), kSizeSamples);
  if (used < 6) return Trend::unknown;
  const std::uint64_t first = average(group, 0, used / 3);
  const std::uint64_t last = average(group, used - used / 3, used);
  const std::uint64_t noise = std::max<std::uint64_t>(std::max(first, last) / 10, 1);
  if (last > first + noise) return Trend::growing;
  return first > last + noise ? Trend::shrinking : Trend::steady;
}

Severity severity_of(const Group& group) {
  if (!is_leak(group.verdict) || (group.flags & group_flag::at_exit) != 0) return Severity::info;
  // What only the collector closed says nothing of a pool.
  const std::uint64_t collected = group.collected.load();
  const std::uint64_t late = std::max<std::uint64_t>(group.late_closes.load(), collected) - collected;
  const bool is_reused = late >= kReuses && late >= still_accused(group);
  return is_reused && trend_of(group) != Trend::growing ? Severity::info : Severity::leak;
}

std::uint64_t leaked_in(const Group& group) {
  return severity_of(group) == Severity::leak ? still_accused(group) : 0;
}

std::uint64_t leaked_in(const Header& recording) {
  const auto* groups =
      reinterpret_cast<const Group*>(reinterpret_cast<const char*>(&recording) + recording.groups_at);
  const std::uint32_t used = recording.groups_used.load(std::memory_order_acquire);
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < used; i++) sum += leaked_in(groups[i]);
  return sum;
}

void note_size(Group& group, std::uint64_t now_ns) {
  const auto now_s = static_cast<std::uint32_t>(now_ns / kSecond);
  std::uint32_t used = group.sizes_used.load(std::memory_order_relaxed);
  if (used > 0) {
    const std::uint64_t last = group.sizes[used - 1].load(std::memory_order_relaxed);
    if (now_s - static_cast<std::uint32_t>(last >> 32U) < std::max(group.size_step_s, 1U)) return;
  }
  if (used == kSizeSamples) {
    thin_out(group);
    used = kSizeSamples / 2;
  }
  const std::uint64_t size = std::min<std::uint64_t>(still_accused(group), UINT32_MAX);
  group.sizes[used].store((std::uint64_t{now_s} << 32U) | size, std::memory_order_relaxed);
  group.sizes_used.store(used + 1, std::memory_order_release);
}

const char* name_of(Severity severity) { return severity == Severity::leak ? "leak" : "info"; }

const char* name_of(Trend trend) {
  switch (trend) {
    case Trend::unknown:
      return "unknown";
    case Trend::growing:
      return "growing";
    case Trend::steady:
      return "steady";
    case Trend::shrinking:
      return "shrinking";
  }
  return "?";
}

}  // namespace socktrack
