// The careful twins of calls. Of those that send: the same call, but a socket that the hand has shut down
// answers EPIPE without the SIGPIPE that would end a program which never had to expect one there. Of connect:
// a number that holds the dead end stays connected. Of those that make descriptors: if there are none, the
// hand closes leaked ones and the call is made again.
#include <fcntl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <tuple>

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

// Hazard: a hook reads its pointer without any order, so that on aarch64 what its twin reads may be from
// before the pointer was led here. Consequence: a call of address 0. Rule: the twin reads the pointer again,
// acquired; what was released with it is there.
template <auto Pointer>
auto behind() {
  std::ignore = __atomic_load_n(&(real.*Pointer).at, __ATOMIC_ACQUIRE);
  return (g_behind.*Pointer).at;
}

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

// The answer of a connection that is over and was not dissolved.
bool is_connected_for_good(int fd) {
  if (!keeps_from_connecting(fd)) return false;
  errno = EISCONN;
  return true;
}

int careful_connect(int fd, const sockaddr* address, socklen_t length) {
  return is_connected_for_good(fd) ? -1 : behind<&Real::connect>()(fd, address, length);
}

long careful_syscall(long number, long a, long b, long c, long d, long e, long f) {
  const auto call = [&] { return behind<&Real::syscall>()(number, a, b, c, d, e, f); };
  if (makes_descriptor(number, b)) return with_reclaim(call);
  if (number == SYS_connect && is_connected_for_good(static_cast<int>(a))) return -1;
  const int fd = target_of(number, a, c);
  return fd < 0 ? call() : send_with_care(fd, call);
}

// The twin of each call is made from the type of its pointer in `Real`.
template <auto Pointer>
struct Twin;
template <typename Result, typename... Arguments, Behind<Result(Arguments...)> Real::*Pointer>
struct Twin<Pointer> {
  template <std::size_t Target>  // which argument is the descriptor that is sent to
  static Result careful(Arguments... arguments) {
    const int fd = std::get<Target>(std::tie(arguments...));
    return send_with_care(fd, [&] { return behind<Pointer>()(arguments...); });
  }
  static Result reclaiming(Arguments... arguments) {
    return with_reclaim([&] { return behind<Pointer>()(arguments...); });
  }
};

template <auto Pointer>
int reclaiming_fcntl(int fd, int command, long argument) {
  const auto call = [&] { return behind<Pointer>()(fd, command, argument); };
  return duplicates(command) ? with_reclaim(call) : call();
}

// Hooks read the pointers at any moment: each is changed in one piece, and both values are right.
template <std::size_t Target, auto... Pointers>
void lead_to_careful() {
  ((real.*Pointers).lead_to(Twin<Pointers>::template careful<Target>), ...);
}

template <auto... Pointers>
void lead_to_reclaiming() {
  ((real.*Pointers).lead_to(Twin<Pointers>::reclaiming), ...);
}

void remember_what_was() {
  if (g_is_led) return;
  g_behind = real;
  g_is_led = true;
}

}  // namespace

void begin_reclaiming() {
  if (real.accept.get() == Twin<&Real::accept>::reclaiming) return;
  remember_what_was();
  lead_to_reclaiming<&Real::accept, &Real::accept4, &Real::socket, &Real::socketpair, &Real::dup>();
  real.fcntl.lead_to(reclaiming_fcntl<&Real::fcntl>);
  real.fcntl64.lead_to(reclaiming_fcntl<&Real::fcntl64>);
  real.syscall.lead_to(careful_syscall);
}

void begin() {
  if (exist()) return;
  remember_what_was();
  any.store(true, std::memory_order_seq_cst);
  lead_to_careful<0, &Real::send, &Real::sendto, &Real::sendmsg, &Real::sendmmsg, &Real::write, &Real::writev,
                  &Real::pwritev2, &Real::sendfile>();
  lead_to_careful<2, &Real::splice>();
  real.connect.lead_to(careful_connect);
  real.syscall.lead_to(careful_syscall);
}

}  // namespace socktrack::mitigated
