// The connections a program was started with: whoever ran it did not set FD_CLOEXEC on them.
#pragma once

namespace socktrack {

// At load, before the program runs. One system call where there are none.
void take_in_connections_from_exec();

}  // namespace socktrack
