// What the modes of the crowd program share: sockets on loopback, lines to and from the script that drives
// it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <sys/syscall.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "bench/raw_call.h"

namespace bench {

inline sockaddr_in loopback(int port, int last_byte = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(0x7f000000U | static_cast<std::uint32_t>(last_byte));
  return address;
}

inline int listen_anywhere(int& port) {
  const int fd = require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address = loopback(0);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof address;
  require(bind(fd, reinterpret_cast<sockaddr*>(&address), size), "bind");
  require(listen(fd, 4096), "listen");
  require(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  port = ntohs(address.sin_port);
  return fd;
}

// Several addresses of 127/8: one pair of addresses has only some 28 000 ports.
inline int connect_to(int port, int which) {
  const int fd = require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const sockaddr_in address = loopback(port, 1 + which % 8);
  require(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return fd;
}

inline void close_with_reset(int fd) {
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  raw_call(SYS_close, fd);
}

// To the script: "ready 1234".
inline void say(const char* what, long number) {
  std::printf("%s %ld\n", what, number);
  std::fflush(stdout);
}

}  // namespace bench
