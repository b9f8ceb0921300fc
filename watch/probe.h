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

struct SocketAddresses {
  Endpoint local{};
  Endpoint peer{};  // family 0 when no longer connected
  std::uint64_t inode = 0;
};
SocketAddresses socket_addresses(int fd);

}  // namespace socktrack
