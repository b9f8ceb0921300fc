// Does the program use io_uring? liburing makes its system calls itself, so no hook sees the ring being made;
// but the ring is a descriptor. What is read through it leaves no witness.
#pragma once

#include <cstdint>

namespace socktrack {

// Looks at the low descriptors, where a program's ring lies: half a microsecond each. Opens nothing. `open`:
// how many the program has, 0 = unknown.
bool holds_a_ring(std::uint64_t open);

}  // namespace socktrack
