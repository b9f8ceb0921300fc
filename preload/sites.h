// Stacks of the calling thread, interned in the recording.
//
// Unwinding is libgcc's, linked statically: no lock, no system call, no descriptor (stacks.md A;
// docs/decisions/0001-unwinder.md says why not libunwind). Lock-free, async-signal-safe as far as
// libgcc's unwinder is. Keeps errno.
#pragma once

#include <cstdint>

#include "preload/managed.h"
#include "socktrack/recording.h"

namespace socktrack::sites {

// The site of the caller of our hook: the frames of this library are left out. 0 if there is no room. And
// whether a runtime's collector made the call.
std::uint32_t capture(Header* recording, managed::Collector& collector);

inline std::uint32_t capture(Header* recording) {
  managed::Collector unasked;
  return capture(recording, unasked);
}

// The same stack in another recording (fork). 0 if there is no room.
std::uint32_t copy(Header* from, std::uint32_t index, Header* to);

}  // namespace socktrack::sites
