// Sockets that a ring has made. liburing makes its system calls itself: no hook sees a socket being accepted
// or connected through it, and so the table does not know it.
#pragma once

#include "socktrack/recording.h"

namespace socktrack::ring_sockets {

// Takes into the table what a ring has made since the last call, if the program holds a ring. Nobody knows
// where they were opened. By whoever is about to sweep. `last_call`: also what is met for the first time.
void adopt(Header& recording, bool last_call);
void after_fork();

}  // namespace socktrack::ring_sockets
