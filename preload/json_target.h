// Where a program without `socktrack run` around it leaves its JSON report: the file of --json, %p in it
// standing for the process id.
#pragma once

namespace socktrack::json_target {

// Remembers what lies there at load. By the constructor.
void prepare();

// True if this process should write a report though it opened no socket: nobody else has written one since
// load. (`timeout 5 ./server`: both have the library, and the wrapper ends last.)
bool is_awaited();

// The file for this process; "" if there is none: not asked for, or a forked child, which would overwrite its
// parent's unless the name has a %p. Fits any option value with a process id put in. Not thread-safe.
const char* path();

}  // namespace socktrack::json_target
