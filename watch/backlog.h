// Connections that wait in the listen queue of this process and whose peers have given up: never_accepted.
//
// They have no descriptor. The sweep sees that a listener's queue is not empty (TCP_INFO); which connections
// wait there only sock_diag tells, on a thread that may open a descriptor. All functions run under the lock
// of the sweep.
#pragma once

#include <cstdint>

#include "watch/inquiry.h"
#include "watch/probe.h"
#include "watch/verdict_book.h"

namespace socktrack::backlog {

void begin_pass();

// A listener of ours with connections in its queue.
struct Listener {
  std::uint32_t fd = 0;
  std::uint64_t word = 0;
  // Of one that came over a fork, else 0. All processes that hold it see the same queue: the oldest speaks.
  std::uint64_t shared_inode = 0;
  Endpoint local{};
  ListenQueue queue;
};
void note(const Listener& met, std::uint64_t now_ns);  // met in this pass

// Queues have been waiting for long enough to be looked into, or something told of them may be over.
bool wants_a_look(std::uint64_t patience_ns, std::uint64_t now_ns);
void ask(Inquiry& questions);  // what the look will have to know

// Opens and closes a descriptor. Speaks of connections that have waited for the grace, takes back those that
// wait no more.
void look(VerdictBook& book, const Inquiry& answers, bool at_exit, std::uint64_t now_ns);

void reset();  // in a forked child

}  // namespace socktrack::backlog
