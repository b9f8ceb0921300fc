// The hand: acts on leaked sockets, one rung of the ladder, never by default (design.md section 6). It works
// on the prober's thread, which shares the program's descriptors and opens none, after each sweep:
//
//   who is accused -> allowed by what is known (watch/eligibility) -> by the kernel -> by /proc (clerk)
//   -> claim the slot -> the same questions again -> act -> give it back -> one line of audit
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::hand {

// Writes the settings of the start into a new recording.
void prepare(Header* recording);

// One round. On the prober's thread, after a sweep.
void round();

// True while somebody wants another round at once.
bool is_wanted();

// A call of the program failed for lack of descriptors, on a thread of the program: lets the hand close what
// it may and waits for it, at most half a second and only while there is something to wait for. True: try
// again.
bool reclaim();

// The process ends: no act begins any more, and what the program set is put back.
void stop();

// Our threads leave for a while: see watcher::retire(). After the prober.
void retire();
bool has_clerk();  // a thread beside the prober

void after_fork();

}  // namespace socktrack::hand
