// The TCP sockets a program was started with: forgotten by whoever ran it (no FD_CLOEXEC), or meant for it:
// the connection of inetd under 0, 1 and 2, the listener of socket activation under 3. UNIX streams are left
// alone: standard output is one wherever a journal reads it.
#pragma once

namespace socktrack {

// At load, before the program runs. Three system calls where there are none.
void take_in_connections_from_exec();

}  // namespace socktrack
