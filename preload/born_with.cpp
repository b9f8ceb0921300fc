#include "preload/born_with.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <ctime>

#include "preload/socket_kind.h"
#include "preload/table.h"
#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

// Below are the standard streams: a connection there was meant to be there.
constexpr int kFirst = 3;
constexpr int kLast = 255;

bool is_connection(int fd) {
  if (ask_stream_flags(fd) == kNoStream) return false;
  tcp_info info{};
  socklen_t length = sizeof info;
  const long answer = raw_syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, reg(&info), reg(&length));
  if (raw_failed(answer)) return false;
  constexpr unsigned kEstablished = 1;
  constexpr unsigned kCloseWait = 8;
  return info.tcpi_state == kEstablished || info.tcpi_state == kCloseWait;
}

}  // namespace

void take_in_connections_from_exec() {
  pollfd polled[kLast - kFirst + 1];
  for (int fd = kFirst; fd <= kLast; fd++) polled[fd - kFirst] = {fd, 0, 0};
  timespec none{};
  // EINVAL: RLIMIT_NOFILE is below that; a program so limited is not worth the search.
  if (raw_failed(raw_syscall(SYS_ppoll, reg(polled), kLast - kFirst + 1, reg(&none), 0, 8))) return;
  for (const pollfd& each : polled) {
    if ((each.revents & POLLNVAL) == 0 && is_connection(each.fd)) table::inherit_over_exec(each.fd);
  }
}

}  // namespace socktrack
