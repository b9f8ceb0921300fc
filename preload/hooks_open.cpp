// Hooks of the calls that bear sockets, connect them and ask after them.
#include <netinet/in.h>

#include <cerrno>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/watcher.h"
#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

bool is_tcp(int domain, int type, int protocol) {
  return (domain == AF_INET || domain == AF_INET6) && (type & 0xf) == SOCK_STREAM &&
         (protocol == 0 || protocol == IPPROTO_TCP);
}

bool out_of_descriptors(int error) { return error == EMFILE || error == ENFILE; }

// The attempt failed for good; EINPROGRESS and EINTR go on in the background.
bool connect_failed(int error) {
  switch (error) {
    case EINPROGRESS:
    case EALREADY:
    case EINTR:
    case EAGAIN:
    case EISCONN:
    case EBADF:
    case EFAULT:
    case EINVAL:
    case ENOTSOCK:
    case EAFNOSUPPORT:
    case EPROTOTYPE:
      return false;
    default:
      return true;
  }
}

void short_of_descriptors() {
  if (!process::ours && process::at_home()) watcher::short_of_descriptors();
}

}  // namespace

bool kernel_says_tcp(int fd) {
  int protocol = 0;
  socklen_t length = sizeof protocol;
  const long answer = raw_syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, reg(&protocol), reg(&length));
  return !raw_failed(answer) && protocol == IPPROTO_TCP;
}

int opened_socket(int fd, int domain, int type, int protocol) {
  if (fd < 0) {
    if (out_of_descriptors(errno)) short_of_descriptors();
    return fd;
  }
  const bool tcp = is_tcp(domain, type, protocol);
  if ((!tcp && !table::is_tracked(fd)) || process::ours || !process::at_home()) return fd;
  if (tcp) {
    table::acquire(fd, domain == AF_INET6 ? slot_flag::ipv6 : 0);
  } else {
    table::lost(fd);
  }
  return fd;
}

int accepted_socket(int fd, int listener) {
  if (fd < 0) {
    if (out_of_descriptors(errno)) short_of_descriptors();
    return fd;
  }
  if (process::ours) return fd;
  const bool known = table::is_tracked(listener);
  const bool tcp = known || kernel_says_tcp(fd);
  if ((!tcp && !table::is_tracked(fd)) || !process::at_home()) return fd;
  if (known) table::mark(listener, slot_flag::listener);
  if (tcp) {
    table::acquire(fd, slot_flag::accepted | (table::flags_of(listener) & slot_flag::ipv6));
  } else {
    table::lost(fd);
  }
  return fd;
}

int tried_connect(int result, int fd) {
  if (process::ours || !process::at_home()) return result;
  table::forget_sighting(fd);
  table::mark(fd, slot_flag::connect_tried);
  if (result != 0 && connect_failed(errno)) table::sight(fd, Operation::connect, errno);
  return result;
}

int shut_down(int result, int fd, int how) {
  if (result != 0 || process::ours || !process::at_home()) return result;
  if (how != SHUT_RD) table::mark(fd, slot_flag::shut_write);
  if (how != SHUT_WR) table::mark(fd, slot_flag::shut_read);
  // The program is done with the connection in both directions: here the close() is due.
  if (how == SHUT_RDWR) table::sight(fd, Operation::shutdown, 0);
  return result;
}

int asked_error(int result, int fd, const int* error) {
  if (*error == 0 || !table::is_tracked(fd) || process::ours || !process::at_home()) return result;
  table::sight(fd, Operation::getsockopt, *error);
  return result;
}

HOOK(int, socket, (int domain, int type, int protocol)) {
  return socket_body(domain, type, protocol, [&] { return real.socket(domain, type, protocol); });
}

HOOK(int, accept, (int fd, sockaddr* address, socklen_t* length)) {
  return accept_body(fd, [&] { return real.accept(fd, address, length); });
}

HOOK(int, accept4, (int fd, sockaddr* address, socklen_t* length, int flags)) {
  return accept_body(fd, [&] { return real.accept4(fd, address, length, flags); });
}

HOOK(int, connect, (int fd, const sockaddr* address, socklen_t length)) {
  return connect_body(fd, [&] { return real.connect(fd, address, length); });
}

HOOK(int, shutdown, (int fd, int how)) {
  return shutdown_body(fd, how, [&] { return real.shutdown(fd, how); });
}

// Reading SO_ERROR takes the error away from the socket: after that only the program knows it.
HOOK(int, getsockopt, (int fd, int level, int option, void* value, socklen_t* length)) {
  const int result = real.getsockopt(fd, level, option, value, length);
  if (level != SOL_SOCKET || option != SO_ERROR || result != 0 || *length < sizeof(int)) [[likely]]
    return result;
  return asked_error(result, fd, static_cast<const int*>(value));
}

}  // namespace socktrack
