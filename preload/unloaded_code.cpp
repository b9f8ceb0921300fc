#include "preload/unloaded_code.h"

#include <atomic>

#include "preload/rule_table.h"

namespace socktrack {
namespace {

struct Range {
  std::atomic<std::uintptr_t> start;
  std::atomic<std::uintptr_t> end;  // set last; 0 = being written
};

// More than these are counted as lying everywhere: sites are then told apart that need not be.
constexpr std::uint32_t kRanges = 64;
Range g_ranges[kRanges];
std::atomic<std::uint32_t> g_used{0};
std::atomic<std::uint32_t> g_beyond{0};

}  // namespace

void note_unloaded_code(std::uintptr_t start, std::uintptr_t end) {
  const std::uint32_t index = g_used.fetch_add(1, std::memory_order_relaxed);
  if (index < kRanges) {
    g_ranges[index].start.store(start, std::memory_order_relaxed);
    g_ranges[index].end.store(end, std::memory_order_release);
  } else {
    g_beyond.fetch_add(1, std::memory_order_relaxed);
  }
  rule_table::forget();
}

std::uint32_t turn_of_code(std::uintptr_t address) {
  std::uint32_t used = g_used.load(std::memory_order_acquire);
  if (used == 0) [[likely]]
    return 0;
  std::uint32_t turn = g_beyond.load(std::memory_order_relaxed);
  if (used > kRanges) used = kRanges;
  for (std::uint32_t i = 0; i < used; i++) {
    const std::uintptr_t end = g_ranges[i].end.load(std::memory_order_acquire);
    if (address < end && address >= g_ranges[i].start.load(std::memory_order_relaxed)) turn++;
  }
  return turn;
}

}  // namespace socktrack
