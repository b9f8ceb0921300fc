// Does the library keep out of a program, because it stands behind a seccomp filter? The rule of the library
// itself (watch/inherited_filter.h), asked from outside.
#pragma once

#include <cstdint>

#include "watch/inherited_filter.h"

namespace socktrack {

// Nothing is known (pid 0) of a process that is gone, or that may not be looked at.
StatusFacts status_facts(std::uint32_t pid);

// A filter that the program installs itself looks the same from here: ask only of programs that have no
// recording.
bool is_kept_out(int pid);
// ... asks after the recording, too.
bool is_kept_out_unrecorded(int pid);

// A sentence for people, and what to do about it.
extern const char* const kWhyKeptOut;

}  // namespace socktrack
