#include "preload/acts.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <ctime>

#include "preload/claim.h"
#include "preload/recorder.h"
#include "preload/table.h"
#include "watch/probe.h"
#include "watch/raw_syscall.h"

namespace socktrack::acts {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// A peer that is gone answers the first probe; one whose host is gone is given up after three.
constexpr int kProbeIdle_s = 1, kProbeInterval_s = 3, kProbeCount = 3;
constexpr std::uint64_t kProbeTime = 15 * kSecond;
constexpr std::size_t kProbes = 256;

struct Keepalive {
  int on = 0, idle = 0, interval = 0, count = 0;
};

struct ProbeUnderWay {
  std::uint64_t until_ns = 0;  // 0 = free
  std::uint64_t cookie = 0;
  std::uint32_t fd = 0;
  std::uint32_t generation = 0;
  Keepalive before;
};
ProbeUnderWay g_probes[kProbes];

// The socket whose description lies under all parked numbers; 0 = none yet.
std::uint64_t g_dead_end_cookie = 0;
std::uint32_t g_dead_end_fd = 0;  // where it was seen last

int get_option(std::uint32_t fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  raw_syscall(SYS_getsockopt, fd, level, option, reg(&value), reg(&size));
  return value;
}

long set_option(std::uint32_t fd, int level, int option, int value) {
  return raw_syscall(SYS_setsockopt, fd, level, option, reg(&value), sizeof value);
}

void set_keepalive(std::uint32_t fd, const Keepalive& wanted) {
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, wanted.idle);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, wanted.interval);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, wanted.count);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, wanted.on);
}

Outcome failed(long answer) { return {.error = static_cast<int>(-answer)}; }

// Hazard: closing the last reference of a socket with SO_LINGER and unsent data blocks for seconds, whatever
// O_NONBLOCK says (cost.md 4). Nothing is unsent, and yet.
void clear_linger(std::uint32_t fd) {
  const linger off{0, 0};
  raw_syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, reg(&off), sizeof off);
}

// Before the shutdown, or a loop is woken with data it may have freed; and before the number changes hands,
// or nobody could ever take the registration out. A set that is gone by now answers with an error: as good.
void leave_epoll_sets(const Subject& subject) {
  epoll_event none{};
  for (std::uint32_t i = 0; i < subject.epoll_count; i++)
    raw_syscall(SYS_epoll_ctl, subject.epolls[i], EPOLL_CTL_DEL, subject.fd, reg(&none));
}

std::uint8_t state_of(std::uint32_t fd) {
  KernelFacts facts;
  return probe_tcp(static_cast<int>(fd), recorder::now_ns(), facts) ? facts.state : 0;
}

bool is_dead_end(std::uint32_t fd) {
  return g_dead_end_cookie != 0 && socket_cookie(static_cast<int>(fd)) == g_dead_end_cookie;
}

// Somebody may have connected it anew past our hooks (mitigated::keeps_from_connecting).
bool is_over(std::uint32_t fd) {
  constexpr short kOver = POLLHUP | POLLRDHUP;
  pollfd polled{static_cast<int>(fd), POLLRDHUP, 0};
  const timespec none{};
  return raw_syscall(SYS_ppoll, reg(&polled), 1, reg(&none), 0, 8) == 1 && (polled.revents & kOver) == kOver;
}

// A slot that holds the dead end, claimed. The program may have closed any of them.
Slot* claim_dead_end(std::uint32_t& fd, const Slot& other) {
  Header* recording = recorder::recording();
  const auto claim_if_good = [&](std::uint32_t candidate) -> Slot* {
    Slot* slot = recorder::slot_at(recording, candidate);
    if (slot == nullptr || slot == &other) return nullptr;
    const std::uint64_t word = slot->word.load(std::memory_order_acquire);
    if ((word_flags(word) & slot_flag::parked) == 0 || !claim::take(*slot, word_generation(word)))
      return nullptr;
    if (is_dead_end(candidate) && is_over(candidate)) return slot;
    claim::give_back(*slot, 0, 0);
    return nullptr;
  };
  if (g_dead_end_cookie == 0) return nullptr;
  fd = g_dead_end_fd;
  if (Slot* slot = claim_if_good(fd)) return slot;
  for (fd = 0; fd < recording->highest_slot.load(std::memory_order_acquire); fd++) {
    if (!table::is_tracked(static_cast<int>(fd))) continue;
    if (Slot* slot = claim_if_good(fd)) {
      g_dead_end_fd = fd;
      return slot;
    }
  }
  g_dead_end_cookie = 0;
  return nullptr;
}

// The socket itself becomes the dead end, if it is of the right kind: one that was in CLOSE_WAIT when we shut
// it down, or one that was accepted and reset: the kernel takes both for connected ones that are over. (One
// that was never connected would let a connect() succeed and come to life again under all parked numbers.)
bool become_dead_end(std::uint32_t fd, Slot& slot) {
  if (!acts::may_be_dead_end(word_flags(slot.word.load(std::memory_order_relaxed))) ||
      state_of(fd) != TCP_CLOSE)
    return false;
  get_option(fd, SOL_SOCKET,
             SO_ERROR);  // a reset after our FIN must not be told to whoever reads a parked one
  g_dead_end_cookie = socket_cookie(static_cast<int>(fd));
  g_dead_end_fd = fd;
  return g_dead_end_cookie != 0;
}

constexpr std::uint32_t kParked = slot_flag::parked | slot_flag::finished;

}  // namespace

bool may_be_dead_end(std::uint32_t flags) {
  constexpr std::uint32_t kBirth = slot_flag::accepted | slot_flag::connect_tried;
  return (flags & slot_flag::finished) != 0 || (flags & kBirth) == slot_flag::accepted;
}

bool has_dead_end() { return g_dead_end_cookie != 0; }

Outcome probe(std::uint32_t fd, const Slot& slot, std::uint64_t now_ns) {
  ProbeUnderWay* room = nullptr;
  for (ProbeUnderWay& each : g_probes) {
    if (each.until_ns == 0) room = &each;
  }
  if (room == nullptr) return {.error = ENOBUFS};
  const Keepalive before{get_option(fd, SOL_SOCKET, SO_KEEPALIVE), get_option(fd, IPPROTO_TCP, TCP_KEEPIDLE),
                         get_option(fd, IPPROTO_TCP, TCP_KEEPINTVL),
                         get_option(fd, IPPROTO_TCP, TCP_KEEPCNT)};
  *room = {now_ns + kProbeTime, socket_cookie(static_cast<int>(fd)), fd,
           word_generation(slot.word.load(std::memory_order_relaxed)), before};
  set_keepalive(fd, {1, kProbeIdle_s, kProbeInterval_s, kProbeCount});
  return {.reached = Rung::probe};
}

void restore_probes(std::uint64_t now_ns, bool all) {
  Header* recording = recorder::recording();
  for (ProbeUnderWay& each : g_probes) {
    if (each.until_ns == 0 || (!all && now_ns < each.until_ns)) continue;
    each.until_ns = 0;
    Slot* slot = recorder::slot_at(recording, each.fd);
    if (slot == nullptr || !claim::take(*slot, each.generation)) continue;
    if (socket_cookie(static_cast<int>(each.fd)) == each.cookie) set_keepalive(each.fd, each.before);
    claim::give_back(*slot, 0, 0);
  }
}

Outcome finish(std::uint32_t fd) {
  const long answer = raw_syscall(SYS_shutdown, fd, SHUT_WR);
  if (raw_failed(answer)) return failed(answer);
  return {.reached = Rung::finish, .set_flags = slot_flag::finished};
}

Outcome park(const Subject& subject, Slot& slot) {
  const auto fd = static_cast<std::uint32_t>(subject.fd);
  clear_linger(fd);
  leave_epoll_sets(subject);
  const long shut = raw_syscall(SYS_shutdown, fd, SHUT_RDWR);
  if (raw_failed(shut) && shut != -ENOTCONN) return failed(shut);
  std::uint32_t from = 0;
  Slot* source = claim_dead_end(from, slot);
  if (source == nullptr) {
    if (become_dead_end(fd, slot)) return {.reached = Rung::park, .set_flags = kParked};
    // Shut down now, it may be the dead end in the next round; but only a connection can be.
    const std::uint32_t flags = raw_failed(shut) ? 0 : slot_flag::finished;
    return {.waits = true, .reached = Rung::finish, .set_flags = flags};
  }
  const long flags = raw_syscall(SYS_fcntl, fd, F_GETFD);
  const long cloexec = (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0;
  const long answer = raw_syscall(SYS_dup3, from, fd, cloexec);
  claim::give_back(*source, 0, 0);
  if (raw_failed(answer)) return failed(answer);
  slot.cookie.store(g_dead_end_cookie, std::memory_order_relaxed);
  return {.reached = Rung::park, .set_flags = kParked};
}

Outcome close_number(const Subject& subject, const Slot& slot) {
  const auto fd = static_cast<std::uint32_t>(subject.fd);
  if ((word_flags(slot.word.load(std::memory_order_relaxed)) & slot_flag::parked) == 0) {
    clear_linger(fd);
    leave_epoll_sets(subject);
    raw_syscall(SYS_shutdown, fd, SHUT_RDWR);  // wakes whoever waits on it; a close alone does not
  }
  raw_syscall(SYS_close, fd);  // the number is free even if this fails
  return {.reached = Rung::close, .closed = true};
}

void after_fork() {
  for (ProbeUnderWay& each : g_probes) {
    if (each.until_ns != 0) each = {};  // a page that is only read is not copied
  }
  g_dead_end_cookie = 0;
}

}  // namespace socktrack::acts
