// What the hooks know of sockets that the hand has acted on, or is about to: a send on one must not end the
// program by SIGPIPE, and any use but close is told.
//
// While nothing is marked the hooks do not know of any of this. With the first mark the pointers behind the
// hooks of sending calls (preload/real.h) lead to careful twins of those calls, and with the rung close those
// of the calls that make descriptors: a program under observation pays nothing, not even a question.
#pragma once

#include <atomic>

#include "socktrack/recording.h"

namespace socktrack::mitigated {

// True once any slot was marked.
extern std::atomic<bool> any;
inline bool exist() { return any.load(std::memory_order_relaxed); }

// From now on calls that find no descriptor let the hand close leaked ones and are made again. Only by the
// hand; for good.
void begin_reclaiming();

// From now on sends are careful. Called well before the first act (round.cpp), so that no send is between
// its hook and the kernel when the FIN goes out. Only by the hand; for good.
void begin();

// The program uses a descriptor. If we had acted on it, its group is taken off the ladder.
void used(int fd, Operation operation);

// Before a connect. True: it must not be made, the number holds our dead end. connect() can dissolve what is
// over (AF_UNSPEC), and the dead end would come to life again under all numbers that hold it.
bool keeps_from_connecting(int fd);

// The number holds our dead end.
bool is_parked(int fd);

}  // namespace socktrack::mitigated
