#include "watch/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

struct Visit {
  DiagVisitor visit;
  void* context;
};

// Calls `each(type, payload, size)` for the attributes that fit.
template <typename Each>
void for_each_attribute(const char* at, std::size_t size, Each each) {
  while (size >= sizeof(rtattr)) {
    rtattr header;
    std::memcpy(&header, at, sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > size) return;
    each(header.rta_type, at + RTA_LENGTH(0), header.rta_len - RTA_LENGTH(0));
    const std::size_t step = RTA_ALIGN(header.rta_len);
    if (step >= size) return;
    at += step;
    size -= step;
  }
}

template <typename T>
bool take(const char* from, std::size_t size, T& value) {
  if (size < sizeof value) return false;
  std::memcpy(&value, from, sizeof value);
  return true;
}

std::uint64_t join(const __u32 (&halves)[2]) { return (std::uint64_t{halves[1]} << 32U) | halves[0]; }

Endpoint endpoint(std::uint8_t family, const __be32 (&address)[4], __be16 port, __u32 scope) {
  Endpoint result{};
  result.family = family;
  result.port = ntohs(port);
  result.scope = family == AF_INET6 ? scope : 0;
  std::memcpy(result.address, address, family == AF_INET6 ? 16 : 4);
  return result;
}

bool visit_tcp(const char* payload, std::size_t size, const Visit& to) {
  inet_diag_msg message;
  if (!take(payload, size, message)) return true;
  DiagSocket socket;
  socket.family = message.idiag_family;
  socket.state = message.idiag_state;
  socket.cookie = join(message.id.idiag_cookie);
  socket.inode = message.idiag_inode;
  socket.recv_q = message.idiag_rqueue;
  socket.send_q = message.idiag_wqueue;
  socket.uid = message.idiag_uid;
  socket.local = endpoint(socket.family, message.id.idiag_src, message.id.idiag_sport, message.id.idiag_if);
  socket.peer = endpoint(socket.family, message.id.idiag_dst, message.id.idiag_dport, message.id.idiag_if);
  const std::size_t head = NLMSG_ALIGN(sizeof message);
  if (size > head) {
    for_each_attribute(payload + head, size - head, [&](unsigned type, const char* at, std::size_t length) {
      if (type != INET_DIAG_INFO) return;
      socket.tcp_info = at;
      socket.tcp_info_size = length;
    });
  }
  return to.visit(to.context, socket);
}

bool visit_unix(const char* payload, std::size_t size, const Visit& to) {
  unix_diag_msg message;
  if (!take(payload, size, message)) return true;
  DiagSocket socket;
  socket.family = message.udiag_family;
  socket.type = message.udiag_type;
  socket.state = message.udiag_state;
  socket.inode = message.udiag_ino;
  socket.cookie = join(message.udiag_cookie);
  const std::size_t head = NLMSG_ALIGN(sizeof message);
  if (size > head) {
    for_each_attribute(payload + head, size - head, [&](unsigned type, const char* at, std::size_t length) {
      unix_diag_rqlen queues;
      std::uint32_t inode = 0;
      if (type == UNIX_DIAG_NAME) {
        socket.name = at;
        socket.name_size = length;
      } else if (type == UNIX_DIAG_PEER && take(at, length, inode)) {
        socket.peer_inode = inode;
      } else if (type == UNIX_DIAG_RQLEN && take(at, length, queues)) {
        socket.recv_q = queues.udiag_rqueue;
        socket.send_q = queues.udiag_wqueue;
      } else if (type == UNIX_DIAG_SHUTDOWN) {
        take(at, length, socket.shutdown);
      }
    });
  }
  return to.visit(to.context, socket);
}

template <typename Request>
bool ask(int netlink, const Request& request, unsigned flags) {
  struct {
    nlmsghdr header;
    Request request;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = static_cast<__u16>(NLM_F_REQUEST | flags);
  message.request = request;
  return !raw_failed(raw_syscall(SYS_sendto, netlink, reg(&message), sizeof message, 0, 0, 0));
}

// What one message does to the reading of an answer.
enum class Step : std::uint8_t { go_on, over, refused, ended };

Step take_message(const nlmsghdr& header, const char* payload, std::size_t size, const Visit& to) {
  if (header.nlmsg_type == NLMSG_DONE) {
    std::int32_t error = 0;
    return take(payload, size, error) && error < 0 ? Step::refused : Step::over;
  }
  if (header.nlmsg_type == NLMSG_ERROR) return Step::refused;
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || size < 1) return Step::go_on;
  const bool unix_socket = static_cast<std::uint8_t>(payload[0]) == AF_UNIX;
  const bool more = unix_socket ? visit_unix(payload, size, to) : visit_tcp(payload, size, to);
  return more ? Step::go_on : Step::ended;
}

constexpr Visit nobody{[](void*, const DiagSocket&) { return true; }, nullptr};

DiagAnswer read_answer(int netlink, bool dump, const Visit& to) {
  alignas(nlmsghdr) char buffer[kDiagBuffer];
  bool interrupted = false;
  bool enough = false;  // what is left is still read: a netlink socket does not begin a dump within a dump
  for (;;) {
    const long size = raw_syscall(SYS_recvfrom, netlink, reg(buffer), sizeof buffer, 0, 0, 0);
    if (size == -EINTR) continue;
    if (size <= 0) return DiagAnswer::refused;
    std::size_t left = static_cast<std::size_t>(size);
    for (const char* at = buffer; left >= sizeof(nlmsghdr);) {
      nlmsghdr header;
      std::memcpy(&header, at, sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) return DiagAnswer::refused;
      interrupted = interrupted || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      const Step step =
          take_message(header, at + sizeof header, header.nlmsg_len - sizeof header, enough ? nobody : to);
      if (step == Step::refused) return DiagAnswer::refused;
      enough = enough || step == Step::ended;
      if (step == Step::over || !dump) {
        if (enough) return DiagAnswer::ended;
        return interrupted ? DiagAnswer::interrupted : DiagAnswer::complete;
      }
      const std::size_t whole = NLMSG_ALIGN(header.nlmsg_len);
      if (whole >= left) break;
      at += whole;
      left -= whole;
    }
  }
}

bool same(const Endpoint& a, const Endpoint& b) {
  return a.family == b.family && a.port == b.port && std::memcmp(a.address, b.address, sizeof a.address) == 0;
}

// Where there is no such connection the kernel answers with the listener of its port.
struct Search {
  const Endpoint& local;
  const Endpoint& peer;
  Visit to;
  bool found;
};

bool visit_if_meant(void* context, const DiagSocket& socket) {
  auto& search = *static_cast<Search*>(context);
  if (!same(socket.local, search.local) || !same(socket.peer, search.peer)) return true;
  search.found = true;
  return search.to.visit(search.to.context, socket);
}

}  // namespace

int open_sock_diag() {
  const long fd = raw_syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (raw_failed(fd)) return -1;
  // A kernel that stops answering must not stop us.
  const timeval limit{5, 0};
  raw_syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, reg(&limit), sizeof limit);
  return static_cast<int>(fd);
}

void close_sock_diag(int netlink) { raw_syscall(SYS_close, netlink); }

DiagAnswer dump_tcp(int netlink, std::uint8_t family, std::uint32_t states, bool with_info, DiagVisitor visit,
                    void* context) {
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_ext = with_info ? 1U << (INET_DIAG_INFO - 1) : 0;
  request.idiag_states = states;
  if (!ask(netlink, request, NLM_F_DUMP)) return DiagAnswer::refused;
  return read_answer(netlink, true, {visit, context});
}

DiagAnswer dump_unix(int netlink, std::uint32_t states, DiagVisitor visit, void* context) {
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = states;
  request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN;
  if (!ask(netlink, request, NLM_F_DUMP)) return DiagAnswer::refused;
  return read_answer(netlink, true, {visit, context});
}

bool find_tcp(int netlink, const Endpoint& local, const Endpoint& peer, DiagVisitor visit, void* context) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<__u8>(local.family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = kDiagAllStates;
  request.id.idiag_sport = htons(local.port);
  request.id.idiag_dport = htons(peer.port);
  std::memcpy(request.id.idiag_src, local.address, sizeof local.address);
  std::memcpy(request.id.idiag_dst, peer.address, sizeof peer.address);
  request.id.idiag_if = local.scope;
  request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  Search search{local, peer, {visit, context}, false};
  if (!ask(netlink, request, 0)) return false;
  read_answer(netlink, false, {visit_if_meant, &search});
  return search.found;
}

}  // namespace socktrack
