// The FILEs over tracked sockets, and what they know of the end of their stream.
//
// stdio reads inside libc: no hook sees that 0. The FILE remembers it, in a flag that is part of libc's
// public layout (_IO_EOF_SEEN), so the prober asks the FILE before it judges.
#pragma once

#include <cstdio>

namespace socktrack::streams {

// A lossy list: with more streams than it holds, the latest ones are known. Lock-free.
void remember(int fd, FILE* stream);
void forget(int fd);

// Records what the FILEs have met since the last call: the end, or an error. By the prober, before it looks
// at the sockets. The sightings have no stack: nobody stood there when it happened.
void collect_sightings();

}  // namespace socktrack::streams
