// Which descriptors of which processes are sockets, as /proc tells it: nothing is stopped, nothing injected.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

namespace socktrack {

struct SocketDescriptor {
  int fd = -1;
  std::uint64_t inode = 0;
};

// One process, looked at once. A process that ends meanwhile has whatever was read so far.
struct ProcessSockets {
  int pid = 0;
  bool readable = false;  // its descriptors could be listed; else nothing below `name` is known
  std::string name;       // of its main thread, control characters replaced
  uid_t uid = 0;
  std::uint64_t network_namespace = 0;  // inode of ns/net, 0 = not told
  std::uint64_t fds_open = 0;
  std::uint64_t fds_limit = 0;            // soft RLIMIT_NOFILE, 0 = not told
  std::vector<SocketDescriptor> sockets;  // by descriptor number
  std::vector<int> epolls;                // descriptors that are epoll sets
};

// The processes there are now, threads of the kernel and ourselves left out.
std::vector<int> all_processes();

ProcessSockets read_process_sockets(int pid);

// Inode of the network namespace of a process; 0 = not told, or it is on its way out.
std::uint64_t network_namespace_of(int pid);

// Inodes of what the epoll sets of the process hold (the `tfd` lines of fdinfo).
std::unordered_set<std::uint64_t> inodes_in_epoll(const ProcessSockets& process);

// "TCP", "TCPv6", "UNIX", ...: the kernel's word for the socket behind a descriptor; "" = gone, or another
// inode lives there by now.
std::string protocol_of(int pid, const SocketDescriptor& descriptor);

}  // namespace socktrack
