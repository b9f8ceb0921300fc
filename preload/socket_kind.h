// What the kernel says is behind a number, for sockets whose birth no hook saw.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

inline constexpr std::uint32_t kNoStream = ~0U;

// What a TCP or UNIX stream socket is, as slot_flag (ipv6, unix_stream); kNoStream for every other kind:
// datagrams and packets are never tracked.
std::uint32_t stream_flags(int domain, int type, int protocol);

// The same of an open number, and `listener`. Up to three system calls, one for what is no socket. Keeps
// errno.
std::uint32_t ask_stream_flags(int fd);

// A socket of any kind, or a pipe: threads may be blocked in it. One system call; keeps errno.
bool is_channel(int fd);

// Its stream has ended or failed, read or not. One system call; keeps errno.
bool is_over(int fd);

}  // namespace socktrack
