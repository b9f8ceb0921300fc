// Frames of code made at run time: no call frame information tells how to leave them, but engines such as V8
// keep frame pointers. Only in a program that writes a map for perf (/tmp/perf-PID.map, watch/perf_map.h):
// nobody else could name those frames, and stacks end there as they do for libgcc.
#pragma once

#include <atomic>
#include <cstdint>

#include "preload/rule_table.h"
#include "preload/stack_memo.h"

namespace socktrack::jit_frames {

// This process writes a map.
inline std::atomic<bool> are_named{false};

// Looks whether it does: when the first socket is tracked. Two system calls.
void look_for_map(std::uint32_t pid);

// One frame up by its frame pointer. False: there is none that a call could have left.
//   Hazard: a register that is no frame pointer. Rule: memory is looked at only if it is there, upwards only,
//   and a return address is believed only behind a call instruction.
bool step_over(Cursor& at);

// One frame up by a plain rule, from a frame that was reached through step_over.
bool step_carefully(Cursor& at, const rule_table::PackedRule& rule);

}  // namespace socktrack::jit_frames
