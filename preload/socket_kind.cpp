#include "preload/socket_kind.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>

#include "preload/sandbox.h"
#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

bool ask(int fd, int option, int& value) {
  if (sandbox::silent()) return false;
  socklen_t length = sizeof value;
  return !raw_failed(raw_syscall(SYS_getsockopt, fd, SOL_SOCKET, option, reg(&value), reg(&length)));
}

}  // namespace

std::uint32_t stream_flags(int domain, int type, int protocol) {
  if ((type & 0xf) != SOCK_STREAM) return kNoStream;  // above it: SOCK_CLOEXEC, SOCK_NONBLOCK
  if (domain == AF_UNIX) return slot_flag::unix_stream;
  if (protocol != 0 && protocol != IPPROTO_TCP) return kNoStream;
  if (domain == AF_INET) return 0;
  return domain == AF_INET6 ? slot_flag::ipv6 : kNoStream;
}

std::uint32_t ask_stream_flags(int fd) {
  int protocol = 0;
  int domain = 0;
  int type = 0;
  int listening = 0;
  if (!ask(fd, SO_PROTOCOL, protocol) || (protocol != IPPROTO_TCP && protocol != 0)) return kNoStream;
  if (!ask(fd, SO_DOMAIN, domain) || !ask(fd, SO_TYPE, type)) return kNoStream;
  const std::uint32_t flags = stream_flags(domain, type, protocol);
  if (flags == kNoStream || !ask(fd, SO_ACCEPTCONN, listening) || listening == 0) return flags;
  return flags | slot_flag::listener;
}

bool is_channel(int fd) {
  struct stat facts {};
  return !raw_failed(raw_syscall(SYS_fstat, fd, reg(&facts))) &&
         (S_ISSOCK(facts.st_mode) || S_ISFIFO(facts.st_mode));
}

bool is_over(int fd) {
  pollfd one{fd, POLLRDHUP, 0};
  timespec none{};
  return raw_syscall(SYS_ppoll, reg(&one), 1, reg(&none), 0, 8) == 1 &&
         (one.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0;
}

}  // namespace socktrack
