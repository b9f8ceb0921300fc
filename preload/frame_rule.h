// How to get from one frame of a stack to the next, for one address of code: what the call frame
// information of the module (.eh_frame) says there, as far as it is of the simple kind that compilers emit
// for nearly all code.
//
// Source: DWARF 5 section 6.4, LSB "exception frames"; the psABIs for which registers matter. Reads mapped
// sections only; no lock, no allocation, no system call. About 0.2 microseconds: results are worth keeping
// (stack_walk.cpp).
#pragma once

#include <cstdint>

namespace socktrack {

struct FrameRule {
  enum class Kind : std::uint8_t {
    plain,    // the fields below hold
    last,     // the outermost frame: nobody called it
    no_code,  // no call frame information (JIT): stacks end here, as they do for libgcc
    special,  // signal frames, expressions, other registers: a full unwinder has to look
  };
  Kind kind = Kind::special;
  bool from_frame_pointer = false;  // else from the stack pointer
  std::uint32_t cfa_offset = 0;     // bytes from that register to the CFA
  std::uint32_t saved_fp = 0;       // the caller's frame pointer lies this far below the CFA; 0 = unchanged
};

// The rule for the frame that executes at `address` (inside the call, not after it).
FrameRule frame_rule_at(std::uintptr_t address);

// Where the function begins that `address` is in, by the call frame information; 0 = it does not say. A part
// that the compiler moved away is a function of its own.
std::uintptr_t function_at(std::uintptr_t address);

// How far below the CFA the return address lies in a plain frame.
constexpr std::uintptr_t return_address_below_cfa([[maybe_unused]] std::uintptr_t saved_fp) {
#if defined(__x86_64__)
  return 8;  // pushed by the call
#else
  return saved_fp - 8;  // the second of the pair of saved frame pointer and link register
#endif
}

}  // namespace socktrack
