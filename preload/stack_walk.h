// The stack of the calling thread, as return addresses: what libgcc's unwinder would say, some fifty times
// faster (docs/decisions/0004-stack-walk.md).
//
// A stack seen before is recognised by replaying it: each frame's rule is known, so where its return
// address must lie is known, and if the word there is the remembered one, the next frame is the
// remembered one, too. Otherwise the stack is walked by rules remembered per address of code; whatever
// is not of the simple kind takes the full unwind.
//
// Lock-free, no allocation, no system call; safe in signal handlers as far as libgcc's unwinder is. Reads
// only words of the thread's own stack that the call frame information says are there.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

struct Stack {
  std::uint32_t depth = 0;
  bool crosses_signal = false;  // the thread is in a signal handler
  // Innermost first; addresses inside the calling instruction (return address - 1; exact in signal frames).
  std::uintptr_t addresses[kMaxFrames];
};

struct StackView {
  const std::uintptr_t* addresses;
  std::uint32_t depth;
  bool crosses_signal;
  std::uint64_t hash;  // of the addresses and the code that lies there; hardly ever 0
};

// Frames of this library at the inner end are left out. The view is of `scratch` or of memory that stays.
StackView take_stack(Stack& scratch);

// The same by libgcc alone.
void unwind_stack(Stack& stack);

}  // namespace socktrack
