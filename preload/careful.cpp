// The careful twins of calls. Of those that send: the same call, but a socket that the hand has shut down
// answers EPIPE without the SIGPIPE that would end a program which never had to expect one there. Of those
// that make descriptors: if there are none, the hand closes leaked ones and the call is made again.
#include <fcntl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

#include "preload/hand.h"
#include "preload/mitigated.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/sandbox.h"
#include "preload/table.h"
#include "preload/watcher.h"
#include "watch/raw_syscall.h"

namespace socktrack::mitigated {

std::atomic<bool> any{false};

namespace {

constexpr std::uint64_t kSigpipe = std::uint64_t{1} << (SIGPIPE - 1);

Real g_behind;  // what the hooks called before
bool g_is_led = false;

// As the kernel has it; libc's differs.
struct KernelAction {
  std::uintptr_t handler;
  unsigned long flags;
  std::uintptr_t restorer;
  std::uint64_t mask;
};

struct Shield {
  bool up = false;
  bool was_pending = false;
  std::uint64_t mask = 0;  // before
};

// Does nothing unless the descriptor is marked and SIGPIPE would end the program. Never by a handler: the
// program's signals stay its own.
Shield raise_shield(int fd) {
  Shield shield;
  const std::uint32_t flags = table::flags_of(fd);
  if ((flags & (slot_flag::marked | slot_flag::finished | slot_flag::parked)) == 0 || !sandbox::may_act())
    return shield;
  KernelAction action{};
  raw_syscall(SYS_rt_sigaction, SIGPIPE, 0, reg(&action), sizeof action.mask);
  if (action.handler != 0) return shield;  // ignored, or the program's own handler: its business
  std::uint64_t pending = 0;
  raw_syscall(SYS_rt_sigpending, reg(&pending), sizeof pending);
  raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, reg(&kSigpipe), reg(&shield.mask), sizeof shield.mask);
  shield.was_pending = (pending & kSigpipe) != 0;
  shield.up = true;
  return shield;
}

// The signal of a failed send is directed at this thread and is there when the call returns. Keeps errno.
void lower_shield(const Shield& shield, bool failed) {
  const int saved = errno;
  const bool blocked_before = (shield.mask & kSigpipe) != 0;
  if (failed && saved == EPIPE && !shield.was_pending && !blocked_before) {
    const timespec none{};
    raw_syscall(SYS_rt_sigtimedwait, reg(&kSigpipe), 0, reg(&none), sizeof kSigpipe);
  }
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, reg(&shield.mask), 0, sizeof shield.mask);
  errno = saved;
}

// No destructor is alive across the call: it may be a cancellation point.
template <typename Call>
auto send_with_care(int fd, Call call) {
  const Shield shield = raise_shield(fd);
  const auto n = call();
  if (shield.up) [[unlikely]]
    lower_shield(shield, n < 0);
  return n;
}

bool is_reclaimed() {
  if ((errno != EMFILE && errno != ENFILE) || process::ours || !process::at_home()) return false;
  const int saved = errno;
  watcher::short_of_descriptors();  // told at once, though the call may succeed yet
  const bool freed = hand::reclaim();
  errno = saved;
  return freed;
}

template <typename Call>
auto with_reclaim(Call call) {
  const auto result = call();
  return result < 0 && is_reclaimed() ? call() : result;
}

bool duplicates(int command) { return command == F_DUPFD || command == F_DUPFD_CLOEXEC; }

bool makes_descriptor(long number, long b) {
  switch (number) {
#ifdef SYS_accept
    case SYS_accept:
#endif
    case SYS_accept4:
    case SYS_socket:
    case SYS_socketpair:
    case SYS_dup:
      return true;
    case SYS_fcntl:
      return duplicates(static_cast<int>(b));
    default:
      return false;
  }
}

// The descriptor that a system call sends to; -1: it sends to none.
int target_of(long number, long a, long c) {
  switch (number) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_sendfile:
      return static_cast<int>(a);
    case SYS_splice:
      return static_cast<int>(c);
    default:
      return -1;
  }
}

long careful_syscall(long number, long a, long b, long c, long d, long e, long f) {
  const auto call = [&] { return g_behind.syscall(number, a, b, c, d, e, f); };
  if (makes_descriptor(number, b)) return with_reclaim(call);
  const int fd = target_of(number, a, c);
  return fd < 0 ? call() : send_with_care(fd, call);
}

#define CAREFUL(ret, name, fd, parameters, arguments)                   \
  ret careful_##name parameters {                                       \
    return send_with_care(fd, [&] { return g_behind.name arguments; }); \
  }
CAREFUL(ssize_t, send, fd, (int fd, const void* buffer, size_t size, int flags), (fd, buffer, size, flags))
CAREFUL(ssize_t, sendto, fd,
        (int fd, const void* buffer, size_t size, int flags, const sockaddr* address, socklen_t length),
        (fd, buffer, size, flags, address, length))
CAREFUL(ssize_t, write, fd, (int fd, const void* buffer, size_t size), (fd, buffer, size))
CAREFUL(ssize_t, writev, fd, (int fd, const iovec* parts, int count), (fd, parts, count))
CAREFUL(ssize_t, pwritev2, fd, (int fd, const iovec* parts, int count, off_t offset, int flags),
        (fd, parts, count, offset, flags))
CAREFUL(ssize_t, sendfile, fd, (int fd, int source, off_t* offset, size_t count), (fd, source, offset, count))
CAREFUL(ssize_t, splice, to,
        (int from, off_t* from_offset, int to, off_t* to_offset, size_t size, unsigned flags),
        (from, from_offset, to, to_offset, size, flags))
CAREFUL(ssize_t, sendmsg, fd, (int fd, const msghdr* message, int flags), (fd, message, flags))
CAREFUL(int, sendmmsg, fd, (int fd, mmsghdr* messages, unsigned count, int flags),
        (fd, messages, count, flags))
#undef CAREFUL

#define RECLAIMING(name, parameters, arguments)                   \
  int reclaiming_##name parameters {                              \
    return with_reclaim([&] { return g_behind.name arguments; }); \
  }
RECLAIMING(accept, (int fd, sockaddr* address, socklen_t* length), (fd, address, length))
RECLAIMING(accept4, (int fd, sockaddr* address, socklen_t* length, int flags), (fd, address, length, flags))
RECLAIMING(socket, (int domain, int type, int protocol), (domain, type, protocol))
RECLAIMING(socketpair, (int domain, int type, int protocol, int* pair), (domain, type, protocol, pair))
RECLAIMING(dup, (int fd), (fd))
#undef RECLAIMING

int reclaiming_fcntl(int fd, int command, long argument) {
  const auto call = [&] { return g_behind.fcntl(fd, command, argument); };
  return duplicates(command) ? with_reclaim(call) : call();
}
int reclaiming_fcntl64(int fd, int command, long argument) {
  const auto call = [&] { return g_behind.fcntl64(fd, command, argument); };
  return duplicates(command) ? with_reclaim(call) : call();
}

// Hooks read the pointers at any moment: each is changed in one piece, and both values are right.
template <typename Function>
void lead_to(Function*& pointer, Function* twin) {
  __atomic_store_n(&pointer, twin, __ATOMIC_RELEASE);
}

void remember_what_was() {
  if (g_is_led) return;
  g_behind = real;
  g_is_led = true;
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace

void begin_reclaiming() {
  if (real.accept == reclaiming_accept) return;
  remember_what_was();
  lead_to(real.accept, reclaiming_accept);
  lead_to(real.accept4, reclaiming_accept4);
  lead_to(real.socket, reclaiming_socket);
  lead_to(real.socketpair, reclaiming_socketpair);
  lead_to(real.dup, reclaiming_dup);
  lead_to(real.fcntl, reclaiming_fcntl);
  lead_to(real.fcntl64, reclaiming_fcntl64);
  lead_to(real.syscall, careful_syscall);
}

void begin() {
  if (exist()) return;
  remember_what_was();
  any.store(true, std::memory_order_seq_cst);
  lead_to(real.send, careful_send);
  lead_to(real.sendto, careful_sendto);
  lead_to(real.write, careful_write);
  lead_to(real.writev, careful_writev);
  lead_to(real.pwritev2, careful_pwritev2);
  lead_to(real.sendfile, careful_sendfile);
  lead_to(real.splice, careful_splice);
  lead_to(real.sendmsg, careful_sendmsg);
  lead_to(real.sendmmsg, careful_sendmmsg);
  lead_to(real.syscall, careful_syscall);
}

}  // namespace socktrack::mitigated
