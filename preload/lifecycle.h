// Load and unload: what happens before main and after exit.
#pragma once

namespace socktrack::lifecycle {

// The status that quick_exit was given: its handlers are not told.
void note_status(int status);

// The status to leave the process with: the program's own, unless the user asked for --fail-on-leak, there is
// no command to do it, the program succeeded and sockets leaked.
int status_to_leave_with(int status);

}  // namespace socktrack::lifecycle
