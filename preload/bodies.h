// What each hook does beside the real call, once for every way the call can be made: by name, by its
// fortified twin, by syscall(). `call` makes the real call.
//
// Rules (design.md section 4): releases are recorded before the call, acquisitions after it; nothing is held
// across it; errno and the result are the program's; a hook of a cancellation point is not noexcept and has
// no object with a destructor alive across the call.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

#include "preload/process.h"
#include "preload/table.h"
#include "socktrack/recording.h"

namespace socktrack {

// Slow paths, out of line. Each returns what it was given, so that a hook can end in a tail call: a frame
// that is returned through after a system call costs 9 ns (cost.md 1).
ssize_t witness(ssize_t n, int fd, Operation operation, bool end_of_stream);
int opened_socket(int fd, int domain, int type, int protocol);
int accepted_socket(int fd, int listener);
int tried_connect(int result, int fd);
int shut_down(int result, int fd, int how);
int asked_error(int result, int fd, const int* error);
void closing(int fd);
void closing_range(unsigned first, unsigned last);
void closing_target(int fd, int target);
int duplicated(int fd, int target);
bool kernel_says_tcp(int fd);  // one system call; false also for what is no socket

inline bool consumes(int flags) { return (flags & (MSG_PEEK | MSG_ERRQUEUE)) == 0; }
inline bool wants_bytes(const iovec* parts, std::size_t count) {
  for (std::size_t i = 0; i < count; i++) {
    if (parts[i].iov_len > 0) return true;
  }
  return false;
}

template <typename Call>
inline int socket_body(int domain, int type, int protocol, Call call) {
  return opened_socket(call(), domain, type, protocol);
}

template <typename Call>
inline int accept_body(int listener, Call call) {
  return accepted_socket(call(), listener);
}

template <typename Call>
inline int connect_body(int fd, Call call) {
  const int result = call();
  return table::is_tracked(fd) ? tried_connect(result, fd) : result;
}

template <typename Call>
inline int shutdown_body(int fd, int how, Call call) {
  const int result = call();
  return table::is_tracked(fd) ? shut_down(result, fd, how) : result;
}

template <typename Call>
inline int close_body(int fd, Call call) {
  if (table::is_tracked(fd)) [[unlikely]]
    closing(fd);
  return call();
}

template <typename Call>
inline int close_range_body(unsigned first, unsigned last, int flags, Call call) {
  // CLOEXEC closes nothing yet; UNSHARE closes in a table of this thread alone.
  if (flags == 0 && first <= last) closing_range(first, last);
  return call();
}

template <typename Call>
inline int dup_body(int fd, Call call) {
  const int target = call();
  return target >= 0 ? duplicated(fd, target) : target;
}

template <typename Call>
inline int dup_over_body(int fd, int target, bool may_succeed, Call call) {
  if (may_succeed && fd != target && table::is_tracked(target)) closing_target(fd, target);
  const int result = call();
  return result >= 0 && fd != target ? duplicated(fd, result) : result;
}

template <typename Call>
inline int fcntl_body(int fd, int command, Call call) {
  const int result = call();
  const bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  return duplicates && result >= 0 ? duplicated(fd, result) : result;
}

}  // namespace socktrack
