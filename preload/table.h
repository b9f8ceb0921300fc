// The table of descriptors: which numbers hold sockets we track, and what was seen on each.
//
// Lock-free. Truth about "is it tracked" is a private bit per number, so that the fast path and programs
// without sockets never touch the shared memory; the slot behind it is valid while the bit is set.
// All functions keep errno. Callers of the changing ones have asked process::at_home().
#pragma once

#include <atomic>
#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::table {

extern std::atomic<std::uint64_t> tracked_bits[kMaxSlots / 64];

// How many words of it were ever used; grows only. Whoever walks further touches pages for nothing, in a
// forked child each of them at the price of a fault.
extern std::atomic<std::uint32_t> tracked_words;

inline bool is_tracked(int fd) {
  const auto n = static_cast<std::uint32_t>(fd);
  if (n >= kMaxSlots) return false;
  return ((tracked_bits[n / 64].load(std::memory_order_relaxed) >> (n % 64)) & 1U) != 0;
}

// The program got a socket under this number: a new generation begins. `flags` are slot_flag, `live` is
// added. The open site is the caller's stack.
void acquire(int fd, std::uint32_t flags);

// The number held a connection or a listener when the program began: whoever ran it did not set FD_CLOEXEC.
void inherit_over_exec(int fd, std::uint32_t flags);

// The number is about to go out of use. Must come before the real call: the instant the kernel returns,
// another thread can own the number.
// True: the hand closed it while we waited, on behalf of this very close; the number must not be closed
// again.
bool release(int fd);
// By the hand, which holds the claim: it has closed the number.
void closed_by_hand(Slot& slot, std::uint32_t fd);
void release_range(unsigned first, unsigned last);  // both included

bool any_tracked(unsigned first, unsigned last);

// The number turned out to hold another socket, or none: its close went unseen. Counted.
void lost(int fd);

// `target` became another descriptor of the socket under `fd`.
void duplicate(int fd, int target);

// A socket is in use whose opening was not seen: it came over exec, or past our hooks. It has no open site.
void adopt(int fd, std::uint32_t flags);

// Adds flags to a live slot; takes them away.
void mark(int fd, std::uint32_t flags);
void unmark(int fd, std::uint32_t flags);
void ignore(int fd);                        // slot_flag::ignored, under every number the socket has
void set_pool(int fd, std::uint32_t pool);  // 0 = none; the same
std::uint32_t flags_of(int fd);             // 0 if not tracked
std::uint32_t generation_of(int fd);        // 0 if not tracked

// EOF (error 0) or a fatal error was seen. The first sighting of a connection is kept: it is where the
// code should have closed.
void sight(int fd, Operation operation, int error);
void sight_unseen(int fd, Operation operation);  // the end, learnt afterwards: no stack, no thread
// The program has shut down its side: where, for a connection whose peer then says nothing more. No sighting,
// and the first real one takes its place.
void note_shutdown(int fd);
// A read found nothing. Where our side is shut down, that tells that the program waits for the answer, though
// no thread waits inside a call.
void note_try(int fd);
void forget_sighting(int fd);  // the program tries to connect it anew

// Every socket, without a word about its end: from now on nobody will see it.
void forget_all();
void know_nothing();  // in a forked child: only here, the recording is still the parent's

// Every live slot as it is now (fork): see recorder::after_fork.
template <typename Visit>
void for_each_tracked(Visit visit) {
  const std::uint32_t words = tracked_words.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < words; i++) {
    std::uint64_t bits = tracked_bits[i].load(std::memory_order_relaxed);
    for (; bits != 0; bits &= bits - 1) visit(i * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits)));
  }
}

}  // namespace socktrack::table
