// What a forked child takes over: the parent's recording, to read stacks from, and its sockets as they were
// at the moment of the fork. The parent goes on writing its own.
//
// One thread at a time: the child's only one after the fork, then the one that makes the recording. No
// allocation but mmap.
#pragma once

#include "socktrack/recording.h"

namespace socktrack::inheritance {

// In a forked child: remembers what is tracked, in memory of this child. The parent's recording stays mapped
// until hand_over(). A child without a recording of its own hands on to its children what it has: their
// memory is a copy.
void remember(Header* parent);

// True from remember() to hand_over().
bool is_due();

// Puts it all into the child's own recording and frees what remember() took.
void hand_over(Header* recording);

// True if a connection of the parent is still open here.
bool has_connection();

}  // namespace socktrack::inheritance
