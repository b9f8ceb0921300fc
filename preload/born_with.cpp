#include "preload/born_with.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "preload/sandbox.h"
#include "preload/socket_kind.h"
#include "preload/streams.h"
#include "preload/table.h"
#include "watch/probe.h"
#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

// Numbers are asked after in blocks as far as the table reaches, below the limit the program has now, and not
// for ever: a socket above was hardly meant to come.
constexpr unsigned kBlock = 256;
constexpr unsigned kFarthest = 1024;

unsigned limit_of_descriptors() {
  rlimit limit{};
  if (raw_failed(raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reg(&limit)))) return 64;
  return static_cast<unsigned>(std::min<std::uint64_t>(limit.rlim_cur, kFarthest));
}

bool is_connected(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  const long answer = raw_syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, reg(&info), reg(&length));
  constexpr unsigned kClose = 7;
  return !raw_failed(answer) && info.tcpi_state != kClose;
}

// inetd puts one socket under 0, 1 and 2.
class Arrivals {
 public:
  void take(int fd) {
    const std::uint32_t flags = ask_stream_flags(fd);
    if (flags == kNoStream || (flags & slot_flag::unix_stream) != 0 || !is_connected(fd)) return;
    const std::uint64_t cookie = socket_cookie(fd);
    for (unsigned i = 0; i < known_; i++) {
      if (cookies_[i] == cookie) return table::duplicate(numbers_[i], fd);
    }
    // Who only holds a listener is not to blame for its queue: the flag comes with the first accept.
    table::inherit_over_exec(fd, flags & ~slot_flag::listener);
    if (fd == STDIN_FILENO && table::is_tracked(fd)) streams::remember(fd, stdin);
    if (known_ == kRemembered) return;
    cookies_[known_] = cookie;
    numbers_[known_++] = fd;
  }

 private:
  static constexpr unsigned kRemembered = 16;
  std::uint64_t cookies_[kRemembered];
  int numbers_[kRemembered];
  unsigned known_ = 0;
};

}  // namespace

void take_in_connections_from_exec() {
  const unsigned room = sandbox::status_at_load().numbers;
  const unsigned limit = limit_of_descriptors();
  const unsigned end = room == 0 ? limit : std::min(room, limit);
  const unsigned size = std::min(end, kBlock);  // ppoll refuses more entries than the limit
  Arrivals arrivals;
  pollfd polled[kBlock];
  for (unsigned first = 0; first < end && size > 0; first += size) {
    for (unsigned i = 0; i < size; i++) polled[i] = {static_cast<int>(first + i), 0, 0};
    timespec none{};
    if (raw_failed(raw_syscall(SYS_ppoll, reg(polled), size, reg(&none), 0, 8))) return;
    for (unsigned i = 0; i < size; i++) {
      if ((polled[i].revents & POLLNVAL) != 0) [[likely]]
        continue;
      arrivals.take(polled[i].fd);
    }
  }
}

}  // namespace socktrack
