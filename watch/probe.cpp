#include "watch/probe.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstring>

#include "watch/raw_syscall.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

namespace socktrack {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint8_t kListen = 10;

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
  const std::uint64_t ago = std::uint64_t{info.tcpi_last_data_sent} * kMillisecond;
  facts.last_sent_ns = ago < now_ns ? now_ns - ago : 0;
  facts.bound = ask_endpoint(fd, SYS_getsockname).port != 0;
  return true;
}

SocketAddresses socket_addresses(int fd) {
  SocketAddresses addresses;
  addresses.local = ask_endpoint(fd, SYS_getsockname);
  addresses.peer = ask_endpoint(fd, SYS_getpeername);
  struct stat facts {};
  if (!raw_failed(raw_syscall(SYS_fstat, fd, reg(&facts)))) addresses.inode = facts.st_ino;
  return addresses;
}

}  // namespace socktrack
