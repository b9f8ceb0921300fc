// The sockets of one network namespace that matter to a look from outside.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "socktrack/recording.h"

namespace socktrack {

// A stream socket whose peer has closed.
struct DeadSocket {
  std::uint8_t family = 0;  // AF_INET, AF_INET6, AF_UNIX
  std::uint8_t state = 0;
  std::uint64_t inode = 0;  // 0 = not accepted yet
  std::uint64_t cookie = 0;
  std::uint32_t recv_q = 0, send_q = 0;
  std::uint32_t uid = 0;
  Endpoint local{}, peer{};
  std::string path;  // of UNIX sockets; '@' for the abstract namespace
  bool has_times = false;
  bool has_sent = false;  // any data
  std::uint32_t last_ack_recv_ms = 0, last_data_recv_ms = 0, last_data_sent_ms = 0;
};

struct Listener {
  std::uint64_t inode = 0;
  std::uint32_t queue = 0, backlog = 0;
};

struct NamespaceSockets {
  std::string problem;  // why nothing or not everything is known, as a sentence; "" = all is
  std::vector<DeadSocket> dead;
  std::unordered_map<std::uint16_t, std::vector<Listener>> listeners;  // by port
  std::unordered_set<std::uint64_t> known;  // inodes of all other sockets the kernel has in its lists
};

// Those of the namespace that process `pid` lives in; 0 = our own. Entering another one is done by a thread
// of its own: nothing else of this process goes there.
NamespaceSockets read_namespace_sockets(int pid);

}  // namespace socktrack
