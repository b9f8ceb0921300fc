// Load and unload: what happens before main and after exit.
#pragma once

namespace socktrack::lifecycle {

// The status to leave the process with: the program's own, unless the user asked for --fail-on-leak, there is
// no command to do it, the program succeeded and sockets leaked.
int status_to_leave_with(int status);

}  // namespace socktrack::lifecycle
