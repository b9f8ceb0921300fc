#include "preload/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cstring>

#include "preload/recorder.h"
#include "preload/sandbox.h"
#include "preload/small_text.h"
#include "preload/table.h"
#include "watch/raw_syscall.h"

// pthread_atfork, without the piece of it that would be linked in from libc's static part, far from the rest
// of what runs at the start: a page fault in every program.
extern "C" {
int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* library);
extern void* __dso_handle __attribute__((visibility("hidden")));
}

namespace socktrack::process {

__thread bool ours = false;
__thread bool apart = false;
static __thread std::uint32_t tid __attribute__((tls_model("initial-exec"))) = 0;

namespace {

std::atomic<std::uint32_t> g_pid{0};
std::atomic<bool> g_forked{false};
char g_name[16];

// Whose the memory is, in a page that is zero in a child with memory of its own (MADV_WIPEONFORK).
enum : std::uint32_t { new_memory, own_memory, shared_memory };  // shared: by a child of vfork, now or once
std::atomic<std::uint32_t>* g_memory = nullptr;

std::atomic<bool> g_walled_off{false};

std::uint32_t ask_pid() { return static_cast<std::uint32_t>(raw_syscall(SYS_getpid)); }

// Without any /proc nothing is learned: then it is as it was before a fork.
void note_walls_after_fork() {
  char link[16] = {};
  if (raw_failed(raw_syscall(SYS_readlinkat, AT_FDCWD, reg("/proc/self"), reg(link), sizeof link - 1)))
    return;
  char own[16] = {};
  SmallText{own, sizeof own}.add(std::uint64_t{g_pid.load(std::memory_order_relaxed)});
  g_walled_off.store(std::strcmp(link, own) != 0, std::memory_order_relaxed);
}

// `by_fork`: not by clone, which may leave the parent's descriptors shared.
void become_child(bool by_fork) {
  if (sandbox::silent()) return;
  g_pid.store(ask_pid(), std::memory_order_relaxed);
  note_walls_after_fork();
  g_forked.store(true, std::memory_order_relaxed);
  if (apart) table::know_nothing();  // what is tracked are sockets of another table
  ours = false;
  apart = false;
  tid = 0;
  if (g_memory != nullptr) g_memory->store(own_memory, std::memory_order_relaxed);
  recorder::after_fork(by_fork);
}

void note_memory() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (madvise(page, 4096, MADV_WIPEONFORK) != 0) return;  // before Linux 4.14: silent forks stay foreign
  g_memory = static_cast<std::atomic<std::uint32_t>*>(page);
  g_memory->store(own_memory, std::memory_order_relaxed);
}

}  // namespace

void start() {
  raw_syscall(SYS_prctl, PR_GET_NAME, reg(g_name));
  g_pid.store(ask_pid(), std::memory_order_relaxed);
  const std::uint32_t known_as = sandbox::status_at_load().pid;
  if (known_as != 0 && known_as != pid()) g_walled_off.store(true, std::memory_order_relaxed);
  note_memory();
  __register_atfork(
      recorder::before_fork, nullptr, [] { become_child(true); }, __dso_handle);
}

bool at_home() {
  if (sandbox::silent()) return false;
  if (ask_pid() == g_pid.load(std::memory_order_relaxed)) return true;
  if (g_memory != nullptr && g_memory->load(std::memory_order_relaxed) == new_memory) {
    become_child(false);
    return true;
  }
  recorder::count(BlindSpot::foreign_child);
  return false;
}

bool seems_at_home() {
  const bool alone = g_memory != nullptr && g_memory->load(std::memory_order_relaxed) == own_memory;
  return alone ? !sandbox::silent() : at_home();
}

void note_shared_memory() {
  if (g_memory != nullptr) g_memory->store(shared_memory, std::memory_order_relaxed);
}

bool is_walled_off() { return g_walled_off.load(std::memory_order_relaxed); }
std::uint32_t pid() { return g_pid.load(std::memory_order_relaxed); }
bool forked() { return g_forked.load(std::memory_order_relaxed); }
const char* name() { return g_name; }
std::uint32_t thread_id() {
  if (tid == 0) tid = static_cast<std::uint32_t>(raw_syscall(SYS_gettid));
  return tid;
}

}  // namespace socktrack::process
