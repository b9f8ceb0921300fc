// The kernel's list of sockets, as `ss` reads it: netlink sock_diag.
//
// Answers for the network namespace in which the netlink descriptor was opened, whoever owns the sockets. Raw
// system calls and one fixed buffer on the caller's stack (kDiagBuffer): no allocation, no exception, no
// errno, no cancellation point. Inside a program call it only on a thread with a descriptor table of its own:
// the descriptor must not take a number of the program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

inline constexpr std::size_t kDiagBuffer = 16384;

struct DiagSocket {
  std::uint8_t family = 0;   // AF_INET, AF_INET6, AF_UNIX
  std::uint8_t state = 0;    // TCP_* of <netinet/tcp.h>; UNIX sockets use ESTABLISHED, LISTEN and CLOSE
  std::uint64_t cookie = 0;  // as SO_COOKIE says
  std::uint64_t inode = 0;   // 0: no descriptor ever had it (still in the listen queue), or none has any more
  // As ss shows them: an unread FIN counts as a byte of recv_q. Listeners: connections waiting, and the
  // limit.
  std::uint32_t recv_q = 0;
  std::uint32_t send_q = 0;
  std::uint32_t uid = 0;  // TCP only
  Endpoint local{};       // TCP only
  Endpoint peer{};
  const void* tcp_info = nullptr;  // struct tcp_info, if asked for; as long as the kernel knows it
  std::size_t tcp_info_size = 0;
  // UNIX only.
  std::uint8_t type = 0;         // SOCK_STREAM, ...
  std::uint8_t shutdown = 0;     // 1: nothing more to read, 2: nothing more to write, 3: both
  std::uint64_t peer_inode = 0;  // 0: none, or gone
  const char* name = nullptr;    // not terminated; starts with '\0' in the abstract namespace
  std::size_t name_size = 0;
};

// Called for each socket. What it points to lives until it returns. False ends the dump.
using DiagVisitor = bool (*)(void* context, const DiagSocket& socket);

enum class DiagAnswer : std::uint8_t {
  complete,     // every socket was visited
  ended,        // the visitor had enough
  interrupted,  // the table changed under the dump: some may be missing or told twice
  refused,      // no such facility (module, seccomp filter, old kernel), or it stopped half way: close it
};

inline constexpr std::uint32_t diag_state(unsigned state) { return 1U << state; }
inline constexpr std::uint32_t kDiagAllStates = ~0U;

// A netlink descriptor in the calling thread's table, or -1. The caller closes it with close_sock_diag.
int open_sock_diag();
void close_sock_diag(int netlink);

// All TCP sockets of `family` in one of `states` (diag_state | ...). CLOSE is never listed: sockets that are
// connected no more are known by their descriptors only. Costs 0.1 us for each TCP socket of the namespace,
// 130 us at least, for each of the two families.
DiagAnswer dump_tcp(int netlink, std::uint8_t family, std::uint32_t states, bool with_info, DiagVisitor visit,
                    void* context);

// All UNIX sockets of every type.
DiagAnswer dump_unix(int netlink, std::uint32_t states, DiagVisitor visit, void* context);

// The one TCP socket with these addresses. False: there is none, or it may not be asked.
bool find_tcp(int netlink, const Endpoint& local, const Endpoint& peer, DiagVisitor visit, void* context);

}  // namespace socktrack
