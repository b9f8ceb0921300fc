// Asks the kernel about one descriptor of this process. No allocation, no errno, no cancellation point;
// opens nothing. Never asks SO_ERROR: reading it would take the error away from the program.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"
#include "watch/detector.h"

namespace socktrack {

// SO_COOKIE: the identity of the socket behind a number. 0: not a socket any more, or no such number.
std::uint64_t socket_cookie(int fd);

// False: not a TCP socket (any more).
bool probe_tcp(int fd, std::uint64_t now_ns, KernelFacts& facts);

// The same for a UNIX stream, in words of TCP: CLOSE_WAIT = the peer has closed (POLLHUP), CLOSE = never
// connected. A peer that only shut down its writing side lives and is no reason to close: ESTABLISHED.
bool probe_unix(int fd, KernelFacts& facts);

// The queue of a listening TCP socket. False: it does not listen.
struct ListenQueue {
  std::uint32_t length = 0;
  std::uint32_t limit = 0;
};
bool probe_queue(int fd, ListenQueue& queue);

struct SocketAddresses {
  Endpoint local{};
  Endpoint peer{};  // family 0 when no longer connected; UNIX: scope is the process that connected
  std::uint64_t inode = 0;
  // UNIX: the one name the two ends have, as text; "@..." in the abstract namespace, cut if longer.
  char path[kMaxUnixPath] = "";
};
SocketAddresses socket_addresses(int fd);

}  // namespace socktrack
