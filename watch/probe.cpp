#include "watch/probe.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "watch/raw_syscall.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

namespace socktrack {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint8_t kListen = 10;
constexpr std::uint8_t kEstablished = 1;
constexpr std::uint8_t kClose = 7;
constexpr std::uint8_t kCloseWait = 8;

template <typename T>
bool ask(int fd, int level, int option, T& value, socklen_t& length) {
  length = sizeof value;
  return !raw_failed(raw_syscall(SYS_getsockopt, fd, level, option, reg(&value), reg(&length)));
}

std::uint32_t queue(int fd, unsigned request) {
  int bytes = 0;
  if (raw_failed(raw_syscall(SYS_ioctl, fd, request, reg(&bytes)))) return 0;
  return bytes < 0 ? 0 : static_cast<std::uint32_t>(bytes);
}

// SIOCINQ leaves the FIN out, and so does everything else that can be asked of a descriptor; but the packet
// that brought it stays charged to the socket until somebody has read past it. (ss gets its Recv-Q from
// sock_diag, which takes a descriptor of its own.) The error queue is charged to the same account: with
// packets there an end that was read looks unread, which accuses nobody.
Fin fin_of(int fd) {
  std::uint32_t meminfo[16] = {};
  socklen_t length = 0;
  if (!ask(fd, SOL_SOCKET, SO_MEMINFO, meminfo, length) || length < sizeof meminfo[0]) return Fin::unknown;
  return meminfo[0] > 0 ? Fin::unread : Fin::read;
}

// An alert record of TLS 1.2 as it is sent by the ciphers in use, or an application record of TLS 1.3 that is
// too short for anything but an alert.
bool is_close_notify(const unsigned char* record, std::size_t size) {
  if (size < 7 || record[1] != 3 || record[2] > 4) return false;
  const std::size_t body = std::size_t{record[3]} * 256 + record[4];
  if (body + 5 != size) return false;
  return record[0] == 21 || (record[0] == 23 && body <= 19);
}

// Looks at the queue without taking from it, where that changes nothing: no peek offset of the program's
// (SO_PEEK_OFF would move), no upper protocol (kTLS would decrypt), and bytes are there, so that a pending
// error stays pending.
bool holds_close_notify(int fd, std::uint32_t unread) {
  constexpr std::uint32_t kLongest = 96;
  if (unread < 7 || unread > kLongest) return false;
  int peek_offset = -1;
  char upper[16] = "";
  socklen_t length = 0;
  if (ask(fd, SOL_SOCKET, SO_PEEK_OFF, peek_offset, length) && peek_offset != -1) return false;
  if (ask(fd, IPPROTO_TCP, TCP_ULP, upper, length) && length > 0) return false;
  unsigned char record[kLongest] = {};
  const long size = raw_syscall(SYS_recvfrom, fd, reg(record), sizeof record, MSG_PEEK | MSG_DONTWAIT, 0, 0);
  return size > 0 && is_close_notify(record, static_cast<std::size_t>(size));
}

Endpoint endpoint_of(const sockaddr_storage& address) {
  Endpoint endpoint{};
  endpoint.family = address.ss_family;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    endpoint.port = ntohs(v4.sin_port);
    std::memcpy(endpoint.address, &v4.sin_addr, sizeof v4.sin_addr);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    endpoint.port = ntohs(v6.sin6_port);
    endpoint.scope = v6.sin6_scope_id;
    std::memcpy(endpoint.address, &v6.sin6_addr, sizeof v6.sin6_addr);
  }
  return endpoint;
}

Endpoint ask_endpoint(int fd, long call) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (raw_failed(raw_syscall(call, fd, reg(&address), reg(&length)))) return {};
  return endpoint_of(address);
}

}  // namespace

std::uint64_t socket_cookie(int fd) {
  std::uint64_t cookie = 0;
  socklen_t length = 0;
  return ask(fd, SOL_SOCKET, SO_COOKIE, cookie, length) ? cookie : 0;
}

bool probe_tcp(int fd, std::uint64_t now_ns, KernelFacts& facts) {
  tcp_info info{};
  socklen_t length = 0;
  if (!ask(fd, IPPROTO_TCP, TCP_INFO, info, length) || length < offsetof(tcp_info, tcpi_rcv_rtt))
    return false;
  facts = {};
  facts.state = info.tcpi_state;
  if (facts.state == kListen) return true;  // SIOCINQ and SIOCOUTQ are errors there
  facts.unread = queue(fd, SIOCINQ);
  facts.unsent = queue(fd, SIOCOUTQ);
  const bool counts_bytes = length >= offsetof(tcp_info, tcpi_segs_out);
  facts.was_connected = counts_bytes && (info.tcpi_bytes_acked > 0 || info.tcpi_bytes_received > 0);
  facts.sent_data =
      length >= offsetof(tcp_info, tcpi_delivery_rate) ? info.tcpi_data_segs_out > 0 : facts.was_connected;
  const auto before_now = [&](std::uint32_t milliseconds) {
    const std::uint64_t ago = std::uint64_t{milliseconds} * kMillisecond;
    return ago < now_ns ? now_ns - ago : 0;
  };
  facts.last_sent_ns = before_now(info.tcpi_last_data_sent);
  facts.last_received_ns = before_now(info.tcpi_last_data_recv);
  if (facts.state == kCloseWait) {
    facts.fin = facts.unread > 0 ? Fin::unread : fin_of(fd);
    facts.close_notify = holds_close_notify(fd, facts.unread);
  }
  facts.bound = ask_endpoint(fd, SYS_getsockname).port != 0;
  return true;
}

bool probe_queue(int fd, ListenQueue& queue) {
  tcp_info info{};
  socklen_t length = 0;
  if (!ask(fd, IPPROTO_TCP, TCP_INFO, info, length) || info.tcpi_state != kListen) return false;
  queue = {info.tcpi_unacked, info.tcpi_sacked};  // what these two say of a listener
  return true;
}

bool probe_unix(int fd, KernelFacts& facts) {
  int domain = 0;
  int listens = 0;
  socklen_t length = 0;
  if (!ask(fd, SOL_SOCKET, SO_DOMAIN, domain, length) || domain != AF_UNIX) return false;
  facts = {};
  facts.state = kListen;
  if (ask(fd, SOL_SOCKET, SO_ACCEPTCONN, listens, length) && listens != 0) return true;
  sockaddr_storage address{};
  length = sizeof address;
  facts.was_connected = !raw_failed(raw_syscall(SYS_getpeername, fd, reg(&address), reg(&length)));
  length = sizeof address;
  facts.bound = !raw_failed(raw_syscall(SYS_getsockname, fd, reg(&address), reg(&length))) &&
                length > sizeof address.ss_family;
  facts.unread = queue(fd, SIOCINQ);
  facts.unsent = queue(fd, SIOCOUTQ);
  pollfd polled{fd, POLLRDHUP, 0};
  timespec none{};
  const bool asked = !raw_failed(raw_syscall(SYS_ppoll, reg(&polled), 1, reg(&none), 0, 8));
  facts.state = !facts.was_connected                       ? kClose
                : asked && (polled.revents & POLLHUP) != 0 ? kCloseWait
                                                           : kEstablished;
  return true;
}

namespace {

// The name of one end, as people write it. False: it has none.
bool unix_name(int fd, long call, char (&text)[kMaxUnixPath]) {
  sockaddr_un address{};
  socklen_t length = sizeof address;
  if (raw_failed(raw_syscall(call, fd, reg(&address), reg(&length)))) return false;
  if (length <= offsetof(sockaddr_un, sun_path)) return false;
  std::size_t size = std::min<std::size_t>(length, sizeof address) - offsetof(sockaddr_un, sun_path);
  const bool abstract = address.sun_path[0] == '\0';
  if (!abstract) size = strnlen(address.sun_path, size);
  size = std::min(size, sizeof text - 1);
  for (std::size_t i = 0; i < size; i++) text[i] = address.sun_path[i] == '\0' ? '@' : address.sun_path[i];
  text[size] = '\0';
  return size > 0;
}

void add_unix_names(int fd, SocketAddresses& addresses) {
  addresses.local.port = unix_name(fd, SYS_getsockname, addresses.path) ? 1 : 0;
  if (addresses.local.port == 0) addresses.peer.port = unix_name(fd, SYS_getpeername, addresses.path) ? 1 : 0;
  ucred peer{};
  socklen_t length = 0;
  if (ask(fd, SOL_SOCKET, SO_PEERCRED, peer, length) && peer.pid > 0)
    addresses.peer.scope = static_cast<std::uint32_t>(peer.pid);
}

}  // namespace

SocketAddresses socket_addresses(int fd) {
  SocketAddresses addresses;
  addresses.local = ask_endpoint(fd, SYS_getsockname);
  addresses.peer = ask_endpoint(fd, SYS_getpeername);
  if (addresses.local.family == AF_UNIX) add_unix_names(fd, addresses);
  struct stat facts {};
  if (!raw_failed(raw_syscall(SYS_fstat, fd, reg(&facts)))) addresses.inode = facts.st_ino;
  return addresses;
}

}  // namespace socktrack
