// What is noted when a program leaves its image or its descriptor table: exec, daemon, clone, close_range
// with UNSHARE. Everything here keeps errno and may be called in a vfork child, where it does nothing.
#pragma once

#include "socktrack/recording.h"

namespace socktrack::departure {

// The process is about to end in a way that runs none of our code: a last look, and the end is written.
// True if there was something to write: then take_back() must follow if the process is still here.
bool begin(EndedBy by);
void take_back();

// This thread has a descriptor table of its own now: its calls are passed through from here on, unless it is
// the main thread, whose table is taken for the program's.
void note_split_table();

// A child that shares descriptors but not memory closes them unseen.
void note_clone(unsigned flags);

}  // namespace socktrack::departure
