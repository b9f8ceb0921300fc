// Hooks of the calls that tell a program what happened to its sockets: poll and epoll. That the program was
// told is evidence, never a sighting: many are told and rightly go on reading. Nothing the program passes in
// is changed, so it is told exactly what it asked for.
#include <cerrno>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/socket_kind.h"

namespace socktrack {
namespace {

constexpr short kOver = POLLHUP | POLLERR | POLLRDHUP;
constexpr std::uint32_t kSetIsOver = EPOLLHUP | EPOLLERR | EPOLLRDHUP;

// The data of an epoll event is the program's own: a pointer, an index, a number. Only where it was the
// descriptor itself at registration can an event be traced back. One bit per number.
std::atomic<std::uint64_t> g_named_by_data[kMaxSlots / 64];

bool is_named_by_data(int fd) {
  const auto n = static_cast<std::uint32_t>(fd);
  return ((g_named_by_data[n / 64].load(std::memory_order_relaxed) >> (n % 64)) & 1U) != 0;
}

void set_named_by_data(int fd, bool named) {
  const auto n = static_cast<std::uint32_t>(fd);
  const std::uint64_t bit = std::uint64_t{1} << (n % 64);
  if (named) {
    g_named_by_data[n / 64].fetch_or(bit, std::memory_order_relaxed);
  } else {
    g_named_by_data[n / 64].fetch_and(~bit, std::memory_order_relaxed);
  }
}

bool is_news(int fd) {
  return table::is_tracked(fd) && (table::flags_of(fd) & slot_flag::told) == 0 && !process::ours &&
         process::seems_at_home();
}

}  // namespace

[[gnu::noinline, gnu::cold]] static void used_parked(int fd) {
  if (process::at_home()) mitigated::used(fd, Operation::poll);
}

[[gnu::noinline]] int told_by_poll(int ready, const pollfd* fds, nfds_t count) {
  int left = ready;
  for (nfds_t i = 0; i < count && left > 0; i++) {
    if (fds[i].revents == 0) continue;
    left--;
    if ((fds[i].revents & kOver) != 0 && mitigated::is_parked(fds[i].fd)) [[unlikely]]
      used_parked(fds[i].fd);
    if ((fds[i].revents & kOver) != 0 && is_news(fds[i].fd)) table::mark(fds[i].fd, slot_flag::told);
  }
  return ready;
}

[[gnu::noinline]] int told_by_epoll(int ready, const epoll_event* events) {
  for (int i = 0; i < ready; i++) {
    if ((events[i].events & kSetIsOver) == 0) continue;
    const int fd = events[i].data.fd;
    if (!table::is_tracked(fd) || !is_named_by_data(fd)) continue;
    // Another member's data may happen to be this number, so the kernel is asked.
    if ((table::flags_of(fd) & slot_flag::in_epoll) == 0 || !is_news(fd) || !is_over(fd)) continue;
    table::mark(fd, slot_flag::told);
  }
  return ready;
}

// A parked number is in no set any more. A loop that takes it out before its late close() finds what it
// expects, and that is no use; one that watches it goes on using it.
[[gnu::noinline, gnu::cold]] static int registered_parked(int result, int operation, int fd) {
  if (process::ours || !process::at_home()) return result;
  if (operation != EPOLL_CTL_DEL) mitigated::used(fd, Operation::epoll_ctl);
  return operation == EPOLL_CTL_DEL && result != 0 && errno == ENOENT ? 0 : result;
}

int registered(int result, int operation, int fd, const epoll_event* event) {
  if (mitigated::is_parked(fd)) [[unlikely]]
    return registered_parked(result, operation, fd);
  if (result != 0 || process::ours) return result;
  const bool member = operation != EPOLL_CTL_DEL;
  const bool named = member && event->data.u64 == static_cast<std::uint64_t>(fd);
  const bool was_member = (table::flags_of(fd) & slot_flag::in_epoll) != 0;
  if ((was_member == member && is_named_by_data(fd) == named) || !process::seems_at_home()) return result;
  set_named_by_data(fd, named);
  if (member) {
    table::mark(fd, slot_flag::in_epoll);
  } else {
    table::unmark(fd, slot_flag::in_epoll);
  }
  return result;
}

HOOK(int, poll, (pollfd * fds, nfds_t count, int timeout)) {
  return poll_body(fds, count, [&] { return real.poll(fds, count, timeout); });
}
ALSO(__poll, poll);

HOOK(int, ppoll, (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* mask)) {
  return poll_body(fds, count, [&] { return real.ppoll(fds, count, timeout, mask); });
}

HOOK(int, __poll_chk, (pollfd * fds, nfds_t count, int timeout, size_t room)) {
  return poll_body(fds, count, [&] { return real.__poll_chk(fds, count, timeout, room); });
}

HOOK(int, __ppoll_chk,
     (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* mask, size_t room)) {
  return poll_body(fds, count, [&] { return real.__ppoll_chk(fds, count, timeout, mask, room); });
}

HOOK(int, epoll_ctl, (int set, int operation, int fd, epoll_event* event)) {
  return epoll_ctl_body(operation, fd, event, [&] { return real.epoll_ctl(set, operation, fd, event); });
}

HOOK(int, epoll_wait, (int set, epoll_event* events, int room, int timeout)) {
  return epoll_wait_body(events, [&] { return real.epoll_wait(set, events, room, timeout); });
}

HOOK(int, epoll_pwait, (int set, epoll_event* events, int room, int timeout, const sigset_t* mask)) {
  return epoll_wait_body(events, [&] { return real.epoll_pwait(set, events, room, timeout, mask); });
}

HOOK(int, epoll_pwait2,
     (int set, epoll_event* events, int room, const timespec* timeout, const sigset_t* mask)) {
  return epoll_wait_body(events, [&] { return real.epoll_pwait2(set, events, room, timeout, mask); });
}

}  // namespace socktrack
