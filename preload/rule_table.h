// Frame rules remembered by address of code. Lock-free; one table for the process, in zeroed memory that
// costs nothing until a stack is taken.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/frame_rule.h"

namespace socktrack::rule_table {

// A rule in one word, so that no reader ever sees half of one:
//   rest of the address 34 | epoch 8 | kind 2 | by frame pointer 1 | CFA offset / 8: 13 | saved / 8: 6
// The place in the table and the rest of the address make up the whole address (47 bits, mixed reversibly):
// an entry cannot be taken for another's.
inline constexpr unsigned kIndexBits = 13;
inline constexpr unsigned kAddressBits = 47;
inline constexpr unsigned kRestShift = 30;
inline constexpr unsigned kEpochShift = 22;
inline constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;
inline constexpr std::uint64_t kRuleMask = (std::uint64_t{1} << kEpochShift) - 1;

extern std::atomic<std::uint64_t> entries[1U << kIndexBits];
extern std::atomic<std::uint32_t> epoch;  // 1 to 255: an empty entry belongs to none

class PackedRule {
 public:
  constexpr explicit PackedRule(std::uint64_t word) : word_(word) {}
  constexpr explicit PackedRule(const FrameRule& rule)
      : word_((static_cast<std::uint64_t>(rule.kind) << 20U) |
              (static_cast<std::uint64_t>(rule.from_frame_pointer) << 19U) |
              (static_cast<std::uint64_t>(rule.cfa_offset / 8) << 6U) | (rule.saved_fp / 8)) {}
  static constexpr bool fits(const FrameRule& rule) {
    return rule.cfa_offset / 8 < (1U << 13U) && rule.saved_fp / 8 < (1U << 6U);
  }

  std::uint64_t word() const { return word_; }
  FrameRule::Kind kind() const { return static_cast<FrameRule::Kind>((word_ >> 20U) & 3U); }
  bool from_frame_pointer() const { return (word_ & (1U << 19U)) != 0; }
  std::uintptr_t cfa_offset() const { return ((word_ >> 6U) & 0x1fffU) * 8; }
  std::uintptr_t saved_fp() const { return (word_ & 0x3fU) * 8; }

 private:
  std::uint64_t word_;
};

// Asks the call frame information and remembers the answer.
PackedRule learn(std::uintptr_t address, std::uint32_t current_epoch);

inline PackedRule rule_at(std::uintptr_t address, std::uint32_t current_epoch) {
  const std::uint64_t mix = (address * 0x9e3779b97f4a7c15ULL) & kAddressMask;
  const std::uint64_t wanted =
      (mix << kRestShift) | (static_cast<std::uint64_t>(current_epoch) << kEpochShift);
  const std::uint64_t known = entries[mix >> (kAddressBits - kIndexBits)].load(std::memory_order_relaxed);
  if (((known ^ wanted) & ~kRuleMask) == 0) [[likely]]
    return PackedRule(known & kRuleMask);
  return learn(address, current_epoch);
}

// Code was unloaded, other code may come to its place.
void forget();

}  // namespace socktrack::rule_table
