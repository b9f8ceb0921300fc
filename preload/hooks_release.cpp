// Hooks of the calls that take descriptors out of use or copy them.
#include <fcntl.h>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/socket_kind.h"
#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

// The JDK wakes a thread that reads from a socket by putting a dead end over its number, and closes the
// number when the last thread has left it.
//   Hazard: a reader that comes a moment late reads the end of the dead end: no leak. And the number may be
//   closed and taken anew before the hook of dup2 goes on: it would write over a stranger. Rule: what is put
//   over connections dead is no connection; neither it nor its copies are tracked from here on.
bool is_dead_end(int fd) { return (table::flags_of(fd) & slot_flag::unix_stream) != 0 && is_over(fd); }

}  // namespace

bool closing(int fd) { return !process::ours && process::seems_at_home() && table::release(fd); }

void closing_range(unsigned first, unsigned last) {
  if (process::ours || !table::any_tracked(first, last) || !process::at_home()) return;
  table::release_range(first, last);
}

// dup2 closes its target only if it succeeds, and it fails if `fd` is not open.
void closing_target(int fd, int target) {
  if (process::ours || raw_failed(raw_syscall(SYS_fcntl, fd, F_GETFD)) || !process::at_home()) return;
  table::release(target);
  if (is_dead_end(fd)) table::release(fd);
}

// The target is no stream we track: datagrams and pipes are closed in that way, too. Standard input and its
// like are given to a program so: there it may be a connection.
void covering(int fd, int target) {
  if (process::ours || target <= STDERR_FILENO || !is_dead_end(fd) || !is_channel(target)) return;
  if (process::at_home()) table::release(fd);
}

int duplicated(int fd, int target) {
  const bool known = table::is_tracked(fd);
  if ((!known && !table::is_tracked(target)) || process::ours || !process::at_home()) return target;
  if (known) {
    mitigated::used(fd, Operation::dup);
    table::duplicate(fd, target);
  } else {
    table::lost(target);
  }
  return target;
}

HOOK(int, close, (int fd)) {
  return close_body(fd, [&] { return real.close(fd); });
}
ALSO(__close, close);

HOOK(int, close_range, (unsigned first, unsigned last, int flags)) {
  return close_range_body(first, last, flags, [&] { return real.close_range(first, last, flags); });
}

// glibc closes by an internal close_range that no hook sees (entrypoints.md).
HOOK(void, closefrom, (int first)) {
  closing_range(first < 0 ? 0 : static_cast<unsigned>(first), ~0U);
  real.closefrom(first);
}

HOOK(int, dup, (int fd)) {
  return dup_body(fd, [&] { return real.dup(fd); });
}

HOOK(int, dup2, (int fd, int target)) {
  return dup_over_body(fd, target, true, [&] { return real.dup2(fd, target); });
}
ALSO(__dup2, dup2);

HOOK(int, dup3, (int fd, int target, int flags)) {
  return dup_over_body(fd, target, (flags & ~O_CLOEXEC) == 0, [&] { return real.dup3(fd, target, flags); });
}

HOOK(int, fcntl, (int fd, int command, long argument)) {
  return fcntl_body(fd, command, [&] { return real.fcntl(fd, command, argument); });
}
ALSO(__fcntl, fcntl);

HOOK(int, fcntl64, (int fd, int command, long argument)) {
  return fcntl_body(fd, command, [&] { return real.fcntl64(fd, command, argument); });
}

}  // namespace socktrack
