// The claim: who may take a descriptor number away, the program or the hand.
//
//   Hazard: the hand decides on a socket, the program closes it and gets the number for another one, the hand
//   acts on that. Rule: the hand acts only while it holds the claim of the slot, which it gets only while the
//   slot is live in the generation it judged; and whoever takes the number out of use or into a new use
//   clears or fills the slot only while nobody holds the claim. One claimer at a time; a claim lasts
//   microseconds.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::claim {

// For the hand. False: no longer live in this generation.
bool take(Slot& slot, std::uint32_t generation);
void give_back(Slot& slot, std::uint32_t set_flags, std::uint32_t clear_flags);

inline bool is_claimed(std::uint64_t word) { return (word_flags(word) & slot_flag::claimed) != 0; }

// Out of the way: almost nobody ever waits.
void wait_until_free(Slot& slot);

// For the program's threads: waits until nobody holds the claim. Never in a vfork child (process::at_home).
inline void wait_for(Slot& slot) {
  if (is_claimed(slot.word.load(std::memory_order_acquire))) [[unlikely]]
    wait_until_free(slot);
}

// Takes the slot out of use, once nobody holds its claim; returns its word as it was before, `live` if it was
// in use until then. kClosedByHand: the hand closed the number while we waited for the claim.
inline constexpr std::uint64_t kClosedByHand = slot_flag::claimed;
std::uint64_t release_claimed(Slot& slot, std::uint64_t word);
inline std::uint64_t release(Slot& slot) {
  std::uint64_t word = slot.word.load(std::memory_order_acquire);
  do {
    if (is_claimed(word)) [[unlikely]]
      return release_claimed(slot, word);
  } while (!slot.word.compare_exchange_weak(word, word & ~std::uint64_t{slot_flag::live},
                                            std::memory_order_seq_cst));
  return word;
}

}  // namespace socktrack::claim
