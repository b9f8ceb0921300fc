// Stacks seen before, as scripts to be replayed. Entries are written once and never change or go away, so a
// reader needs no lock; when there is no room left, stacks are walked.
#pragma once

#include <cstdint>

#include "preload/rule_table.h"
#include "socktrack/recording.h"

namespace socktrack {

// Where a walk stands: in the frame that executes at `address`.
struct Cursor {
  std::uintptr_t cfa;            // of the frame below: the stack pointer in this one
  std::uintptr_t frame_pointer;  // its value in this frame
  std::uintptr_t address;        // inside the calling instruction
};

inline std::uintptr_t word_at(std::uintptr_t address) {
  return *reinterpret_cast<const std::uintptr_t*>(address);
}

// One frame up by a plain rule. False: stacks grow downwards, something is off.
inline bool step(Cursor& at, std::uintptr_t cfa_offset, std::uintptr_t saved_fp, bool from_frame_pointer) {
  const std::uintptr_t cfa = (from_frame_pointer ? at.frame_pointer : at.cfa) + cfa_offset;
  if (cfa <= at.cfa || cfa % 8 != 0) [[unlikely]]
    return false;
  if (saved_fp != 0) at.frame_pointer = word_at(cfa - saved_fp);
  at.cfa = cfa;
  at.address = word_at(cfa - return_address_below_cfa(saved_fp)) - 1;
  return true;
}

// A stack being walked, our own frames included. Without initialisers: an array of them lies in zeroed memory
// that costs nothing until it is used.
inline constexpr std::uint32_t kOwnFrames = 12;
struct Script {
  struct Step {
    std::uintptr_t address;
    std::uint32_t cfa_offset;
    std::uint16_t saved_fp;
    bool from_frame_pointer;
  };
  std::uint32_t epoch;
  std::uint32_t steps;
  std::uint32_t own;    // of these, frames of this library at the inner end
  std::uint32_t depth;  // frames of the program
  std::uint64_t hash;   // of their addresses
  std::uintptr_t addresses[kMaxFrames];
  Step frames[kMaxFrames + kOwnFrames];
};

namespace stack_memo {

// The script whose replay from `at` succeeded; nullptr if there is none.
const Script* recall(const Cursor& at, std::uint32_t epoch);

// Keeps a stack that was walked from `at`.
void keep(const Cursor& at, const Script& script);

}  // namespace stack_memo
}  // namespace socktrack
