#include "cli/namespace_sockets.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>

#include "watch/sock_diag.h"

namespace socktrack {
namespace {

// <netinet/tcp.h> has them, but not tcp_info as the kernel has it today.
constexpr unsigned kEstablished = 1, kCloseWait = 8, kListen = 10;
constexpr std::uint8_t kBothWaysOver = 3;  // DiagSocket::shutdown

void keep_times(DeadSocket& dead, const DiagSocket& socket) {
  tcp_info info{};
  if (socket.tcp_info_size < offsetof(tcp_info, tcpi_pmtu)) return;
  std::memcpy(&info, socket.tcp_info, std::min(socket.tcp_info_size, sizeof info));
  dead.has_times = true;
  dead.last_ack_recv_ms = info.tcpi_last_ack_recv;
  dead.last_data_recv_ms = info.tcpi_last_data_recv;
  dead.last_data_sent_ms = info.tcpi_last_data_sent;
  // Before it has sent anything that is the time of its birth.
  dead.has_sent = info.tcpi_data_segs_out > 0;
}

std::string path_of(const DiagSocket& socket) {
  if (socket.name_size == 0) return "";
  if (socket.name[0] == '\0') return "@" + std::string(socket.name + 1, socket.name_size - 1);
  return {socket.name, strnlen(socket.name, socket.name_size)};
}

DeadSocket dead_one(const DiagSocket& socket) {
  DeadSocket dead;
  dead.family = socket.family;
  dead.state = socket.state;
  dead.inode = socket.inode;
  dead.cookie = socket.cookie;
  dead.recv_q = socket.recv_q;
  dead.send_q = socket.send_q;
  dead.uid = socket.uid;
  dead.local = socket.local;
  dead.peer = socket.peer;
  dead.path = path_of(socket);
  keep_times(dead, socket);
  return dead;
}

bool take_dead(void* context, const DiagSocket& socket) {
  static_cast<NamespaceSockets*>(context)->dead.push_back(dead_one(socket));
  return true;
}

bool take_other(void* context, const DiagSocket& socket) {
  auto& all = *static_cast<NamespaceSockets*>(context);
  if (socket.inode != 0) all.known.insert(socket.inode);
  if (socket.state == kListen) {
    all.listeners[socket.local.port].push_back({socket.inode, socket.recv_q, socket.send_q});
  }
  return true;
}

// A client that waits to be accepted has no peer with an inode either, but nothing is shut down.
bool take_unix(void* context, const DiagSocket& socket) {
  auto& all = *static_cast<NamespaceSockets*>(context);
  const bool stream = socket.type == SOCK_STREAM || socket.type == SOCK_SEQPACKET;
  const bool over = socket.peer_inode == 0 && socket.shutdown == kBothWaysOver;
  if (stream && over && socket.state == kEstablished && socket.inode != 0) {
    all.dead.push_back(dead_one(socket));
  } else if (socket.inode != 0) {
    all.known.insert(socket.inode);
  }
  return true;
}

void note(NamespaceSockets& all, DiagAnswer answer) {
  if (answer == DiagAnswer::refused) all.problem = "The kernel did not give its list of sockets.";
  if (answer == DiagAnswer::interrupted && all.problem.empty()) {
    all.problem = "The list of sockets changed while it was read: some may be missing.";
  }
}

// Of the namespace of the calling thread.
void read_all(NamespaceSockets& all) {
  const int netlink = open_sock_diag();
  if (netlink < 0) {
    all.problem = "The kernel does not give its list of sockets (no sock_diag, or a seccomp filter).";
    return;
  }
  const std::uint32_t close_wait = diag_state(kCloseWait);
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    note(all, dump_tcp(netlink, family, close_wait, true, take_dead, &all));
    note(all, dump_tcp(netlink, family, kDiagAllStates & ~close_wait, false, take_other, &all));
  }
  note(all, dump_unix(netlink, kDiagAllStates, take_unix, &all));
  close_sock_diag(netlink);
}

void enter_and_read(int pid, NamespaceSockets& all) {
  const int there = open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
  if (there >= 0 && setns(there, CLONE_NEWNET) == 0) {
    read_all(all);
  } else {
    all.problem = std::string("Their network namespace may not be entered (") + std::strerror(errno) + ").";
  }
  if (there >= 0) close(there);
}

}  // namespace

NamespaceSockets read_namespace_sockets(int pid) {
  NamespaceSockets all;
  if (pid == 0) {
    read_all(all);
  } else {
    std::thread([&] { enter_and_read(pid, all); }).join();
  }
  return all;
}

}  // namespace socktrack
