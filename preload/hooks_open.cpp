// Hooks of the calls that bear sockets, connect them and ask after them.
#include <cerrno>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/socket_kind.h"
#include "preload/watcher.h"

namespace socktrack {
namespace {

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
  const int saved = errno;
  if (!process::ours && process::at_home()) watcher::short_of_descriptors();
  errno = saved;
}

// A number that is some other kind of socket now was closed behind our back.
void take_into_use(int fd, std::uint32_t flags) {
  if (flags != kNoStream) {
    table::acquire(fd, flags);
  } else {
    table::lost(fd);
  }
}

}  // namespace

int without_descriptor(int target) {
  if (out_of_descriptors(errno)) short_of_descriptors();
  return target;
}

int opened_socket(int fd, int domain, int type, int protocol) {
  if (fd < 0) return without_descriptor(fd);
  const std::uint32_t flags = stream_flags(domain, type, protocol);
  if ((flags == kNoStream && !table::is_tracked(fd)) || process::ours || !process::seems_at_home()) return fd;
  take_into_use(fd, flags);
  return fd;
}

int opened_pair(int result, int domain, int type, int protocol, const int* pair) {
  opened_socket(pair[0], domain, type, protocol);
  opened_socket(pair[1], domain, type, protocol);
  return result;
}

int accepted_socket(int fd, int listener) {
  if (fd < 0) return without_descriptor(fd);
  if (process::ours) return fd;
  constexpr std::uint32_t kFamily = slot_flag::ipv6 | slot_flag::unix_stream;
  const bool known = table::is_tracked(listener);
  const std::uint32_t of_listener = known ? table::flags_of(listener) : 0;
  const std::uint32_t flags = known ? of_listener & kFamily : ask_stream_flags(fd);
  if ((flags == kNoStream && !table::is_tracked(fd)) || !process::seems_at_home()) return fd;
  if (known && (of_listener & slot_flag::listener) == 0) table::mark(listener, slot_flag::listener);
  take_into_use(fd, flags == kNoStream ? flags : flags | slot_flag::accepted);
  return fd;
}

int began_to_listen(int result, int fd) {
  if (result != 0 || (table::flags_of(fd) & slot_flag::listener) != 0 || process::ours ||
      !process::seems_at_home())
    return result;
  table::mark(fd, slot_flag::listener);
  return result;
}

int tried_connect(int result, int fd) {
  if (process::ours || !process::seems_at_home()) return result;
  mitigated::used(fd, Operation::connect);
  table::forget_sighting(fd);
  table::mark(fd, slot_flag::connect_tried);
  if (result != 0 && connect_failed(errno)) table::sight(fd, Operation::connect, errno);
  return result;
}

int shut_down(int result, int fd, int how) {
  if (process::ours || !process::seems_at_home()) return result;
  mitigated::used(fd, Operation::shutdown);
  if (result != 0) return result;
  if (how != SHUT_RD) table::mark(fd, slot_flag::shut_write);
  if (how != SHUT_WR) table::mark(fd, slot_flag::shut_read);
  // The program is done with the connection in both directions: here the close() is due.
  if (how == SHUT_RDWR) table::sight(fd, Operation::shutdown, 0);
  if (how == SHUT_WR) table::note_shutdown(fd);
  return result;
}

int asked_error(int result, int fd, const int* error) {
  if (*error == 0 || !table::is_tracked(fd) || process::ours || !process::seems_at_home()) return result;
  mitigated::used(fd, Operation::getsockopt);
  table::sight(fd, Operation::getsockopt, *error);
  return result;
}

HOOK(int, socket, (int domain, int type, int protocol)) {
  return socket_body(domain, type, protocol, [&] { return real.socket(domain, type, protocol); });
}

HOOK(int, socketpair, (int domain, int type, int protocol, int* pair)) {
  return socketpair_body(domain, type, protocol, pair,
                         [&] { return real.socketpair(domain, type, protocol, pair); });
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

ALSO(__connect, connect);

HOOK(int, listen, (int fd, int backlog)) {
  return listen_body(fd, [&] { return real.listen(fd, backlog); });
}

HOOK(int, shutdown, (int fd, int how)) {
  return shutdown_body(fd, how, [&] { return real.shutdown(fd, how); });
}

HOOK(int, getsockopt, (int fd, int level, int option, void* value, socklen_t* length)) {
  return getsockopt_body(fd, level, option, value, length,
                         [&] { return real.getsockopt(fd, level, option, value, length); });
}

}  // namespace socktrack
