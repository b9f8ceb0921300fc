#include "preload/last_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <climits>

#include "preload/private_table.h"
#include "preload/process.h"
#include "preload/sandbox.h"
#include "preload/thread.h"
#include "watch/raw_syscall.h"

namespace socktrack::last_thread {
namespace {

std::atomic<bool> g_main_left{false};
sigset_t g_mask;
std::atomic<std::uint32_t>* g_prober = nullptr;

void* end_with_the_program(void*) {
  await_end_of_thread(process::pid(), *g_prober);
  note_table_thread();
  pthread_sigmask(SIG_SETMASK, &g_mask, nullptr);
  return nullptr;  // the last one: libc calls exit(0)
}

}  // namespace

void main_leaves() { g_main_left.store(true, std::memory_order_relaxed); }

// A thread that has left has no memory that could be read; its number stays until the process ends. That is
// how a main thread is noticed that was cancelled, or went by thrd_exit. Not asked under a filter: it
// may kill for that.
bool main_is_gone() {
  if (g_main_left.load(std::memory_order_relaxed)) return true;
  if (sandbox::filtered() || sandbox::silent()) return false;
  static const char from = 0;
  char to = 0;
  const iovec here{&to, 1};
  const iovec there{const_cast<char*>(&from), 1};
  return raw_syscall(SYS_process_vm_readv, process::pid(), reg(&here), 1, reg(&there), 1, 0) == -ESRCH;
}

unsigned programs_threads(unsigned ours) {
  struct stat facts {};
  const long answer = raw_syscall(SYS_newfstatat, AT_FDCWD, reg("/proc/self/task"), reg(&facts), 0);
  const auto known = static_cast<unsigned>(facts.st_nlink);  // two, and one for each thread
  if (raw_failed(answer) || known < 3 + ours) return UINT_MAX;
  return known - 3 - ours;
}

void after_fork() {
  if (g_main_left.load(std::memory_order_relaxed)) g_main_left.store(false, std::memory_order_relaxed);
}

bool start_stand_in(const sigset_t& mask, std::atomic<std::uint32_t>& prober) {
  g_mask = mask;
  g_prober = &prober;
  pthread_t thread;
  if (pthread_create(&thread, nullptr, end_with_the_program, nullptr) != 0) return false;
  pthread_detach(thread);
  return true;
}

}  // namespace socktrack::last_thread
