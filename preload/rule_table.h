// Frame rules remembered by address of code. Lock-free; one table for the process, in zeroed memory that
// costs nothing until a stack is taken.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/frame_rule.h"

namespace socktrack::rule_table {

// A rule and what it is for in one word, so that no reader ever sees half of one:
//   rest of the address | epoch 8 | kind 2 | by frame pointer 1 | CFA offset / 8 | saved / 8: 6
// The place in the table and the rest of the address make up the whole address (47 bits, mixed reversibly):
// an entry cannot be taken for another's.
//
//   Hazard: a page that is touched for the first time costs 2 to 3 us, and the rules of a first stack lie
//   anywhere. Rule: one page is filled first; there a frame of 4 KiB and more has no room.
inline constexpr unsigned kAddressBits = 47;
constexpr std::uint64_t mixed_address(std::uintptr_t address) {
  return (address * 0x9e3779b97f4a7c15ULL) & ((std::uint64_t{1} << kAddressBits) - 1);
}

template <unsigned index_bits>
struct Layout {
  static constexpr unsigned kEntries = 1U << index_bits;
  static constexpr unsigned kRestShift = 64 - (kAddressBits - index_bits);
  static constexpr unsigned kEpochShift = kRestShift - 8;

  static constexpr std::size_t place(std::uint64_t mixed) { return mixed >> (kAddressBits - index_bits); }
  static constexpr std::uint64_t head(std::uint64_t mixed, std::uint32_t epoch) {
    return (mixed << kRestShift) | (static_cast<std::uint64_t>(epoch) << kEpochShift);
  }
  static constexpr bool belongs(std::uint64_t word, std::uint64_t head) {
    return (word ^ head) >> kEpochShift == 0;
  }
  static constexpr bool is_of(std::uint64_t word, std::uint32_t epoch) {
    return (word >> kEpochShift & 0xffU) == epoch;
  }
};
using Near = Layout<9>;  // CFA offset / 8: 9 bits
using Far = Layout<13>;  // 13

extern std::atomic<std::uint64_t> near_entries[Near::kEntries];
extern std::atomic<std::uint64_t> far_entries[Far::kEntries];
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

  // As it stands in an entry: the bits of a smaller CFA offset, below those that tell the kind.
  template <typename Table>
  static constexpr PackedRule from(std::uint64_t word) {
    constexpr unsigned kKindShift = Table::kEpochShift - 3;
    return PackedRule(((word >> kKindShift & 7U) << 19U) | (word & ((1U << kKindShift) - 1)));
  }
  template <typename Table>
  constexpr std::uint64_t in() const {
    return (word_ >> 19U) << (Table::kEpochShift - 3) | (word_ & 0x7ffffU);
  }
  template <typename Table>
  constexpr bool has_room_in() const {
    return (word_ & 0x7ffffU) < (std::uint64_t{1} << (Table::kEpochShift - 3));
  }

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
  const std::uint64_t mixed = mixed_address(address);
  const std::uint64_t close = near_entries[Near::place(mixed)].load(std::memory_order_relaxed);
  if (Near::belongs(close, Near::head(mixed, current_epoch))) [[likely]]
    return PackedRule::from<Near>(close);
  if (close == 0) return learn(address, current_epoch);
  const std::uint64_t distant = far_entries[Far::place(mixed)].load(std::memory_order_relaxed);
  if (Far::belongs(distant, Far::head(mixed, current_epoch))) return PackedRule::from<Far>(distant);
  return learn(address, current_epoch);
}

// Code was unloaded, other code may come to its place.
void forget();

}  // namespace socktrack::rule_table
