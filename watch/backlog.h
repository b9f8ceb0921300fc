// Connections that wait in the listen queue of this process and whose peers have given up: never_accepted.
//
// They have no descriptor. The sweep sees that a listener's queue is not empty (TCP_INFO); which connections
// wait there only sock_diag tells, on a thread that may open a descriptor. All functions run under the lock
// of the sweep.
#pragma once

#include <cstdint>

#include "watch/verdict_book.h"

namespace socktrack::backlog {

void begin_pass();

// A listener of ours with connections in its queue, met in this pass.
void note_listener(std::uint32_t fd, std::uint64_t word, const Endpoint& local, std::uint32_t length,
                   std::uint32_t limit, std::uint64_t now_ns);

// Queues have been waiting for long enough to be looked into, or something told of them may be over.
bool wants_a_look(std::uint64_t patience_ns, std::uint64_t now_ns);

// Opens and closes a descriptor. Speaks of connections that have waited for the grace, takes back those that
// wait no more.
void look(VerdictBook& book, bool at_exit, std::uint64_t now_ns);

void reset();  // in a forked child

}  // namespace socktrack::backlog
