#include "preload/private_table.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "preload/process.h"
#include "preload/sandbox.h"
#include "preload/small_text.h"
#include "watch/raw_syscall.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

namespace socktrack {
namespace {

struct FileIdentity {
  bool known = false;
  dev_t device = 0;
  ino_t inode = 0;
};
FileIdentity g_standard_error;
std::atomic<std::uint32_t> g_table_thread{0};
std::atomic<std::uint32_t> g_waiting_thread{0};

bool describe(int fd, struct stat& facts) { return !raw_failed(raw_syscall(SYS_fstat, fd, reg(&facts))); }

bool may_write_to(const struct stat& facts) {
  if (S_ISSOCK(facts.st_mode)) return false;
  if (S_ISCHR(facts.st_mode)) return true;
  return g_standard_error.known && facts.st_dev == g_standard_error.device &&
         facts.st_ino == g_standard_error.inode;
}

int open_descriptor_two_of(std::uint32_t thread) {
  char path[64];
  SmallText text{path, sizeof path};
  text.add("/proc/self/task/").add(std::uint64_t{thread}).add("/fd/2");
  const long opened =
      raw_syscall(SYS_openat, AT_FDCWD, reg(path), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
  return raw_failed(opened) ? -1 : static_cast<int>(opened);
}

// The program's descriptor 2: by pidfd_getfd from ourselves, which needs no permission, or where a filter
// forbids that or the main thread is gone (its table went with it), by opening it anew. O_APPEND: a second
// file description must not overwrite the first one's text.
int copy_of_descriptor_two() {
  const long pidfd = sandbox::filtered() ? -EPERM : raw_syscall(SYS_pidfd_open, process::pid(), 0);
  if (!raw_failed(pidfd)) {
    const long copy = raw_syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO, 0);
    raw_syscall(SYS_close, pidfd);
    if (!raw_failed(copy)) return static_cast<int>(copy);
  }
  for (const std::uint32_t thread : {g_table_thread.load(std::memory_order_relaxed),
                                     g_waiting_thread.load(std::memory_order_relaxed), process::pid()}) {
    const int opened = thread == 0 ? -1 : open_descriptor_two_of(thread);
    if (opened >= 0) return opened;
  }
  return -1;
}

}  // namespace

bool enter_private_table() {
  if (!raw_failed(raw_syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_UNSHARE))) return true;
  if (raw_failed(raw_syscall(SYS_unshare, CLONE_FILES))) return false;  // before Linux 5.9, or filtered
  rlimit limit{};
  raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reg(&limit));
  for (rlim_t fd = 0; fd < limit.rlim_cur; fd++) raw_syscall(SYS_close, static_cast<long>(fd));
  return true;
}

void note_standard_error_file() {
  struct stat facts {};
  if (!describe(STDERR_FILENO, facts)) return;
  g_standard_error = {true, facts.st_dev, facts.st_ino};
}

void forget_table_thread() {
  g_table_thread.store(0, std::memory_order_relaxed);
  g_waiting_thread.store(0, std::memory_order_relaxed);
}
void note_table_thread() { g_table_thread.store(process::thread_id(), std::memory_order_relaxed); }
void note_waiting_thread() { g_waiting_thread.store(process::thread_id(), std::memory_order_relaxed); }

int borrow_standard_error() {
  const int copy = copy_of_descriptor_two();
  if (copy < 0) return -1;
  struct stat facts {};
  if (describe(copy, facts) && may_write_to(facts)) return copy;
  raw_syscall(SYS_close, copy);
  return -1;
}

}  // namespace socktrack
