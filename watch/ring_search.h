// Does the program use io_uring? liburing makes its system calls itself, so no hook sees the ring being made;
// but the ring is a descriptor. What is read through it leaves no witness.
#pragma once

namespace socktrack {

// Looks at the low descriptors, where a program's ring lies: some 200 microseconds. Opens nothing.
bool holds_a_ring();

}  // namespace socktrack
