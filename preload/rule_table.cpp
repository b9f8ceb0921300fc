#include "preload/rule_table.h"

namespace socktrack::rule_table {

std::atomic<std::uint64_t> entries[1U << kIndexBits];
std::atomic<std::uint32_t> epoch{1};

[[gnu::noinline]] PackedRule learn(std::uintptr_t address, std::uint32_t current_epoch) {
  FrameRule rule = frame_rule_at(address);
  if (!PackedRule::fits(rule)) rule = {};
  const PackedRule packed(rule);
  if (address > kAddressMask) return packed;
  const std::uint64_t mix = (address * 0x9e3779b97f4a7c15ULL) & kAddressMask;
  entries[mix >> (kAddressBits - kIndexBits)].store(
      (mix << kRestShift) | (static_cast<std::uint64_t>(current_epoch) << kEpochShift) | packed.word(),
      std::memory_order_relaxed);
  return packed;
}

void forget() {
  std::uint32_t before = epoch.load(std::memory_order_relaxed);
  while (!epoch.compare_exchange_weak(before, before == 255 ? 1 : before + 1)) {
  }
  if (before != 255) return;
  for (auto& entry : entries) entry.store(0, std::memory_order_relaxed);  // the numbers begin anew
}

}  // namespace socktrack::rule_table
