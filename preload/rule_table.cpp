#include "preload/rule_table.h"

namespace socktrack::rule_table {

alignas(4096) std::atomic<std::uint64_t> near_entries[Near::kEntries];
std::atomic<std::uint64_t> far_entries[Far::kEntries];
std::atomic<std::uint32_t> epoch{1};

namespace {
constexpr std::uint64_t kLookFurther = 1;  // belongs to no epoch, but is not empty
}

[[gnu::noinline]] PackedRule learn(std::uintptr_t address, std::uint32_t current_epoch) {
  FrameRule rule = frame_rule_at(address);
  if (!PackedRule::fits(rule)) rule = {};
  const PackedRule packed(rule);
  if (address >= std::uintptr_t{1} << kAddressBits) return packed;
  const std::uint64_t mixed = mixed_address(address);
  std::atomic<std::uint64_t>& close = near_entries[Near::place(mixed)];
  if (packed.has_room_in<Near>() && !Near::is_of(close.load(std::memory_order_relaxed), current_epoch)) {
    close.store(Near::head(mixed, current_epoch) | packed.in<Near>(), std::memory_order_relaxed);
  } else {
    std::uint64_t none = 0;
    close.compare_exchange_strong(none, kLookFurther, std::memory_order_relaxed);
    far_entries[Far::place(mixed)].store(Far::head(mixed, current_epoch) | packed.in<Far>(),
                                         std::memory_order_relaxed);
  }
  return packed;
}

void forget() {
  std::uint32_t before = epoch.load(std::memory_order_relaxed);
  while (!epoch.compare_exchange_weak(before, before == 255 ? 1 : before + 1)) {
  }
  if (before != 255) return;
  // The numbers begin anew.
  for (auto& entry : near_entries) entry.store(0, std::memory_order_relaxed);
  for (auto& entry : far_entries) entry.store(0, std::memory_order_relaxed);
}

}  // namespace socktrack::rule_table
