// Makes the memory of a recording: a file of its own where possible, private memory where not.
#pragma once

#include <cstddef>

namespace socktrack {

struct RecordingMemory {
  void* start = nullptr;  // nullptr: no memory at all
  bool shared = false;    // a file: survives us, readable from outside
  bool populate = true;   // pages must be populated before use; false: the file is allocated whole
  int error = 0;          // why it is not shared: an errno of the first thing that failed
};

// `directory`: where the file goes, created 0700 if missing; "" = choose one ($XDG_RUNTIME_DIR/socktrack,
// /run/socktrack for root, else a new directory of random name in /dev/shm). Takes no descriptor of
// the program, not even for a moment. `alone`: nobody could see it if two were taken for a moment, because
// the caller is the only thread of a process with a descriptor table of its own; that is about 100 us faster.
RecordingMemory make_recording_memory(const char* directory, std::size_t size, bool alone = false);

// Removes the file that was made last; the memory stays usable.
void discard_recording_memory(const RecordingMemory& memory);

// Where it was, or should have been, made.
const char* recording_directory();

}  // namespace socktrack
