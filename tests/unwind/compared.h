// The walker beside libgcc's unwinder, as a library: frames of a library at the inner end of a stack are
// left out, so the walker cannot be linked into the program whose frames it is to see.
#pragma once

#include <cstdint>

// Takes the stack of the caller both ways. The number of frames if they agree; otherwise prints both and
// returns 0.
extern "C" std::uint32_t depth_if_both_agree();

// Takes it by the walker alone; for the profiler's eye.
extern "C" std::uint32_t depth_by_walking();
extern "C" std::uint32_t depth_by_unwinding();

extern "C" void code_was_unloaded();
