// What each hook does beside the real call, once for every way the call can be made: by name, by its
// fortified twin, by syscall(). `call` makes the real call.
//
// Rules (design.md section 4): releases are recorded before the call, acquisitions after it; nothing is held
// across it; errno and the result are the program's; a hook of a cancellation point is not noexcept and has
// no object with a destructor alive across the call.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "preload/departure.h"
#include "preload/mitigated.h"
#include "preload/process.h"
#include "preload/sandbox.h"
#include "preload/table.h"
#include "socktrack/recording.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

namespace socktrack {

// Slow paths, out of line. Each returns what it was given, so that a hook can end in a tail call: a frame
// that is returned through after a system call costs 9 ns (cost.md 1).
ssize_t witness(ssize_t n, int fd, Operation operation, bool end_of_stream);
int opened_socket(int fd, int domain, int type, int protocol);
int opened_pair(int result, int domain, int type, int protocol, const int* pair);
int accepted_socket(int fd, int listener);
int fetched_descriptor(int fd);
int began_to_listen(int result, int fd);
int tried_connect(int result, int fd);
int shut_down(int result, int fd, int how);
int asked_error(int result, int fd, const int* error);
bool closing(int fd);  // true: it is closed already, by the hand
void closing_range(unsigned first, unsigned last);
void closing_target(int fd, int target);
void covering(int fd, int target);
int duplicated(int fd, int target);
int without_descriptor(int result);  // the call failed: told if descriptors are short
ssize_t received_message(ssize_t n, int fd, const msghdr* message, int flags);
ssize_t sent_message(ssize_t n, int fd, const msghdr* message);
int received_messages(int n, int fd, const mmsghdr* messages, int flags);
int sent_messages(int n, int fd, const mmsghdr* messages);
ssize_t spliced(ssize_t n, int from, int to, std::size_t size);
int told_by_poll(int ready, const pollfd* fds, nfds_t count);
int told_by_epoll(int ready, const epoll_event* events);
int registered(int result, int operation, int fd, const epoll_event* event);

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
inline int socketpair_body(int domain, int type, int protocol, const int* pair, Call call) {
  const int result = call();
  return result == 0 ? opened_pair(result, domain, type, protocol, pair) : without_descriptor(result);
}

template <typename Call>
inline int pidfd_getfd_body(Call call) {
  const int fd = call();
  return fd >= 0 ? fetched_descriptor(fd) : fd;
}

template <typename Call>
inline int listen_body(int fd, Call call) {
  const int result = call();
  return table::is_tracked(fd) ? began_to_listen(result, fd) : result;
}

template <typename Call>
inline ssize_t recvmsg_body(int fd, const msghdr* message, int flags, Call call) {
  const ssize_t n = call();
  if (n > 0 && message->msg_controllen == 0) [[likely]]
    return n;
  return received_message(n, fd, message, flags);
}

template <typename Call>
inline ssize_t sendmsg_body(int fd, const msghdr* message, Call call) {
  const ssize_t n = call();
  if (n > 0 && message->msg_controllen == 0) [[likely]]
    return n;
  return sent_message(n, fd, message);
}

template <typename Call>
inline int recvmmsg_body(int fd, const mmsghdr* messages, int flags, Call call) {
  return received_messages(call(), fd, messages, flags);
}

template <typename Call>
inline int sendmmsg_body(int fd, const mmsghdr* messages, Call call) {
  return sent_messages(call(), fd, messages);
}

template <typename Call>
inline ssize_t splice_body(int from, int to, std::size_t size, Call call) {
  const ssize_t n = call();
  return n > 0 ? n : spliced(n, from, to, size);
}

template <typename Call>
inline int poll_body(const pollfd* fds, nfds_t count, Call call) {
  const int ready = call();
  return ready > 0 ? told_by_poll(ready, fds, count) : ready;
}

template <typename Call>
inline int epoll_wait_body(const epoll_event* events, Call call) {
  const int ready = call();
  return ready > 0 ? told_by_epoll(ready, events) : ready;
}

template <typename Call>
inline int epoll_ctl_body(int operation, int fd, const epoll_event* event, Call call) {
  const int result = call();
  return table::is_tracked(fd) ? registered(result, operation, fd, event) : result;
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

// Reading SO_ERROR takes the error away from the socket: after that only the program knows it.
template <typename Call>
inline int getsockopt_body(int fd, int level, int option, const void* value, const socklen_t* length,
                           Call call) {
  const int result = call();
  if (level != SOL_SOCKET || option != SO_ERROR || result != 0 || *length < sizeof(int)) [[likely]]
    return result;
  return asked_error(result, fd, static_cast<const int*>(value));
}

template <typename Call>
inline int close_body(int fd, Call call) {
  if (table::is_tracked(fd) && closing(fd)) [[unlikely]]
    return 0;
  return call();
}

template <typename Call>
inline int close_range_body(unsigned first, unsigned last, int flags, Call call) {
  const bool splits = (static_cast<unsigned>(flags) & CLOSE_RANGE_UNSHARE) != 0;
  const bool moves = splits && departure::begin_split();
  // CLOEXEC closes nothing yet; UNSHARE closes in a table of this thread alone.
  if ((flags == 0 || (moves && flags == CLOSE_RANGE_UNSHARE)) && first <= last) closing_range(first, last);
  const int result = call();
  if (splits) departure::end_split(moves, result == 0);
  return result;
}

template <typename Call>
inline int unshare_body(int flags, Call call) {
  const bool paused = sandbox::before_unshare(flags);
  const bool splits = (flags & CLONE_FILES) != 0;
  const bool moves = splits && departure::begin_split();
  const int result = call();
  if (splits) departure::end_split(moves, result == 0);
  sandbox::after_namespace(paused);
  return result;
}

template <typename Call>
inline int setns_body(int kinds, Call call) {
  const bool paused = sandbox::before_setns(kinds);
  const int result = call();
  sandbox::after_namespace(paused);
  return result;
}

// An exec that succeeds does not return.
template <typename Call>
inline int exec_body(Call call) {
  const bool left = departure::begin(EndedBy::exec);
  const int result = call();
  if (left) departure::take_back();
  return result;
}

template <typename Call>
inline int dup_body(int fd, Call call) {
  const int target = call();
  return target >= 0 ? duplicated(fd, target) : without_descriptor(target);
}

// What was under the target is released before. After it the number is known to other threads: what is
// tracked there then, if it is no copy of `fd`, is theirs.
template <typename Call>
inline int dup_over_body(int fd, int target, bool may_succeed, Call call) {
  if (may_succeed && fd != target) {
    if (table::is_tracked(target)) [[unlikely]]
      closing_target(fd, target);
    else if (table::is_tracked(fd)) [[unlikely]]
      covering(fd, target);
  }
  const int result = call();
  return result >= 0 && fd != target && table::is_tracked(fd) ? duplicated(fd, result) : result;
}

template <typename Call>
inline int fcntl_body(int fd, int command, Call call) {
  const int result = call();
  const bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  if (!duplicates) [[likely]]
    return result;
  return result >= 0 ? duplicated(fd, result) : without_descriptor(result);
}

}  // namespace socktrack
