// Who else uses a socket: other processes that hold it, threads inside a call on it, epoll sets that watch
// it, and the peer, if it is on this host. Read from /proc and the kernel's list of sockets; opens files,
// allocates, may throw: for a thread with a descriptor table of its own, or another process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "watch/eligibility.h"

namespace socktrack {

inline constexpr std::size_t kMaxEpollSets = 4;

// One socket that is asked about, and the answer. All zero before it is filled in (see Task of
// watch/inquiry.h).
struct Subject {
  int fd = 0;
  std::uint64_t inode = 0;
  std::uint32_t seer_tid = 0;  // the thread that read the end; 0: not asked
  Endpoint local{}, peer{};    // family 0: the peer is not looked for
  Surroundings around;
  std::uint32_t epoll_count = 0;
  int epolls[kMaxEpollSets] = {};  // descriptors of the sets it is in
};

// `tid`: a thread of process `pid` that shares the descriptor table in question. Threads of `pid` whose table
// is another are taken for users as well: too careful does no harm.
void look_around(pid_t pid, pid_t tid, Subject* subjects, std::size_t count);

// The parts that can be wrong, each a function of text.

// /proc/PID/task/TID/syscall: the descriptors the call is about. Arrays of poll and select are read from this
// process by `read_memory(address, to, size)`; false = cannot be read.
using ReadMemory = bool (*)(std::uint64_t address, void* to, std::size_t size);
std::vector<int> descriptors_in_call(std::string_view line, ReadMemory read_memory);

// A line "tfd: 8 events: 19 data: ... ino:1b2" of /proc/PID/fdinfo/EPFD.
struct EpollEntry {
  int fd = -1;
  std::uint32_t events = 0;
  std::uint64_t inode = 0;
};
bool parse_epoll_line(std::string_view line, EpollEntry& entry);

// The system call of such a line, as far as it tells whether a thread is done with a connection.
Seer seer_in_call(std::string_view line);

// True if a shutdown would make a level-triggered loop spin that sleeps now: it is registered for neither
// reading nor writing, so nothing has woken it yet, and a hang-up always does.
bool would_spin(std::uint32_t events);

}  // namespace socktrack
