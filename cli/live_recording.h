// The recording of a process that runs now, found by what the process has mapped: that is the one it writes,
// wherever it lies and whatever namespace it is in.
#pragma once

#include <string>

namespace socktrack {

// A path under which this process can open it. Throws Failure with a sentence for people: no such process,
// not ours to look into, no library in it, no socket opened yet.
std::string live_recording_of(int pid);

}  // namespace socktrack
