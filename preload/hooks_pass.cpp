// Hooks of the calls that carry descriptors beside the bytes (SCM_RIGHTS), and pidfd_getfd, which takes one
// from another process.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/socket_kind.h"

namespace socktrack {
namespace {

// Visits the descriptors in the control data of a message: of one received, within the bytes that the
// kernel says it wrote; of one sent, within those it has just accepted. A record that was cut (MSG_CTRUNC)
// claims no more than it has.
template <typename Visit>
void for_each_right(const msghdr& message, Visit visit) {
  const auto* at = static_cast<const char*>(message.msg_control);
  std::size_t left = at == nullptr ? 0 : message.msg_controllen;
  while (left >= sizeof(cmsghdr)) {
    cmsghdr header;
    std::memcpy(&header, at, sizeof header);
    if (header.cmsg_len < sizeof header) return;
    const std::size_t end = std::min(header.cmsg_len, left);
    if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS) {
      for (std::size_t i = CMSG_LEN(0); i + sizeof(int) <= end; i += sizeof(int)) {
        int fd;
        std::memcpy(&fd, at + i, sizeof fd);
        visit(fd);
      }
    }
    if (header.cmsg_len >= left) return;
    const std::size_t step = CMSG_ALIGN(header.cmsg_len);
    if (step >= left) return;
    at += step;
    left -= step;
  }
}

// A descriptor arrived in the middle of its life. The opening that we know is this call.
void take_in(int fd) {
  const std::uint32_t flags = ask_stream_flags(fd);
  if (flags != kNoStream) {
    table::acquire(fd, flags | slot_flag::adopted);
  } else if (table::is_tracked(fd)) {
    table::lost(fd);
  }
}

bool carries_rights(const msghdr& message) {
  bool found = false;
  for_each_right(message, [&](int) { found = true; });
  return found;
}

void take_in_rights(const msghdr& message) {
  if (message.msg_controllen == 0 || process::ours || !carries_rights(message) || !process::at_home()) return;
  for_each_right(message, take_in);
}

// The sender keeps its own descriptor, and still owes its close.
void mark_passed(const msghdr& message) {
  if (message.msg_controllen == 0 || process::ours || !carries_rights(message) || !process::at_home()) return;
  for_each_right(message, [](int fd) {
    if (table::is_tracked(fd)) table::mark(fd, slot_flag::passed);
  });
}

}  // namespace

[[gnu::noinline]] ssize_t received_message(ssize_t n, int fd, const msghdr* message, int flags) {
  if (n >= 0) take_in_rights(*message);
  if (n > 0) return n;
  const bool end_of_stream = n == 0 && consumes(flags) && wants_bytes(message->msg_iov, message->msg_iovlen);
  return witness(n, fd, Operation::recvmsg, end_of_stream);
}

[[gnu::noinline]] ssize_t sent_message(ssize_t n, int fd, const msghdr* message) {
  if (n >= 0) mark_passed(*message);
  return n > 0 ? n : witness(n, fd, Operation::sendmsg, false);
}

// On a stream its end arrives as a message of no bytes, the last one.
[[gnu::noinline]] int received_messages(int n, int fd, const mmsghdr* messages, int flags) {
  if (n <= 0) return static_cast<int>(witness(n, fd, Operation::recvmmsg, false));
  for (int i = 0; i < n; i++) take_in_rights(messages[i].msg_hdr);
  const mmsghdr& last = messages[n - 1];
  const bool end_of_stream =
      last.msg_len == 0 && consumes(flags) && wants_bytes(last.msg_hdr.msg_iov, last.msg_hdr.msg_iovlen);
  if (end_of_stream) witness(0, fd, Operation::recvmmsg, true);
  return n;
}

[[gnu::noinline]] int sent_messages(int n, int fd, const mmsghdr* messages) {
  if (n <= 0) return static_cast<int>(witness(n, fd, Operation::sendmmsg, false));
  for (int i = 0; i < n; i++) mark_passed(messages[i].msg_hdr);
  return n;
}

int fetched_descriptor(int fd) {
  if (!process::ours && process::at_home()) take_in(fd);
  return fd;
}

HOOK(ssize_t, recvmsg, (int fd, msghdr* message, int flags)) {
  return recvmsg_body(fd, message, flags, [&] { return real.recvmsg(fd, message, flags); });
}

HOOK(ssize_t, sendmsg, (int fd, const msghdr* message, int flags)) {
  return sendmsg_body(fd, message, [&] { return real.sendmsg(fd, message, flags); });
}

HOOK(int, recvmmsg, (int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout)) {
  return recvmmsg_body(fd, messages, flags,
                       [&] { return real.recvmmsg(fd, messages, count, flags, timeout); });
}

HOOK(int, sendmmsg, (int fd, mmsghdr* messages, unsigned count, int flags)) {
  return sendmmsg_body(fd, messages, [&] { return real.sendmmsg(fd, messages, count, flags); });
}

HOOK(int, pidfd_getfd, (int pidfd, int fd, unsigned flags)) {
  return pidfd_getfd_body([&] { return real.pidfd_getfd(pidfd, fd, flags); });
}

}  // namespace socktrack
