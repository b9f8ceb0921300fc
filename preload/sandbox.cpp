#include "preload/sandbox.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "preload/process.h"
#include "preload/readable.h"
#include "preload/recorder.h"
#include "preload/seccomp_filter.h"
#include "preload/small_text.h"
#include "preload/table.h"
#include "preload/watcher.h"
#include "watch/decimal.h"
#include "watch/options.h"
#include "watch/raw_syscall.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace socktrack::sandbox {

std::atomic<bool> speaking_flag{false};

namespace {

std::atomic<bool> g_filtered{false};
std::atomic<bool> g_may_act{true};
StatusFacts g_status;

enum class Effect { none, harmless, deadly };

// A wrong pointer is the program's EFAULT, not our crash.
bool copy_in(void* to, const void* from, std::size_t size) {
  if (!is_readable(from, size)) return false;
  std::memcpy(to, from, size);
  return true;
}

Effect effect_of(const void* program) {
  sock_fprog described{};
  if (program == nullptr || !copy_in(&described, program, sizeof described)) return Effect::none;
  if (described.filter == nullptr || described.len == 0 || described.len > BPF_MAXINSNS) return Effect::none;
  sock_filter* const copy = room_for_filter;
  if (!copy_in(copy, described.filter, described.len * sizeof copy[0])) return Effect::none;
  g_filtered.store(true, std::memory_order_seq_cst);
  if (!lets_us_act(copy, described.len)) g_may_act.store(false, std::memory_order_seq_cst);
  return leaves_us_alive(copy, described.len) ? Effect::harmless : Effect::deadly;
}

StatusFacts facts_in(const char* path) {
  const long fd = raw_syscall(SYS_openat, AT_FDCWD, reg(path), O_RDONLY | O_CLOEXEC);
  if (raw_failed(fd)) return {};
  StatusReader reader;
  char text[2048];
  std::size_t kept = 0;
  while (!reader.is_complete()) {
    const long size = raw_syscall(SYS_read, fd, reg(text + kept), static_cast<long>(sizeof text - kept));
    if (size <= 0) break;
    kept = reader.take(text, kept + static_cast<std::size_t>(size), sizeof text);
  }
  raw_syscall(SYS_close, fd);
  return reader.facts();
}

StatusFacts facts_of(std::uint32_t pid) {
  char path[32];
  SmallText{path, sizeof path}.add("/proc/").add(std::uint64_t{pid}).add("/status");
  return facts_in(path);
}

// Opened as the loader opens, no other flag. One that may not be read is there.
bool is_there(const char* path) {
  const long fd = raw_syscall(SYS_openat, AT_FDCWD, reg(path), O_RDONLY | O_CLOEXEC);
  if (raw_failed(fd)) return fd == -EACCES;
  raw_syscall(SYS_close, fd);
  return true;
}

std::uint32_t pid_from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : static_cast<std::uint32_t>(decimal::read(text, text + std::strlen(text)));
}

FilterTrust trust_asked_for() {
  FilterTrust trust = FilterTrust::judge;
  const char* text = std::getenv("SOCKTRACK_INHERITED_FILTER");
  if (text != nullptr) parse_filter_trust(text, trust);
  return trust;
}

bool may_speak(const StatusFacts& own) {
  const FilterTrust trust = trust_asked_for();
  if (trust != FilterTrust::judge) return trust == FilterTrust::trust;
  const FilterAuthority authority{pid_from_environment("SYSTEMD_EXEC_PID"),
                                  pid_from_environment("SOCKTRACK_ROOT_PID")};
  return is_trusted(origin_of_filter(own, authority, facts_of), is_there);
}

bool pause_threads() {
  if (silent() || process::ours || !process::at_home()) return false;
  const int saved = errno;
  const bool paused = watcher::retire();
  errno = saved;
  return paused;
}

}  // namespace

// The threads leave before the filter comes: with TSYNC it would be theirs too, and their last call with it.
void fall_silent(BlindSpot why) {
  if (silent() || !process::at_home()) return;
  const int saved = errno;
  recorder::end_early(why);
  speaking_flag.store(false, std::memory_order_seq_cst);
  table::forget_all();
  errno = saved;
}

// To open a file, read it and close it is what the loader did to bring us here.
bool start() {
  const StatusFacts own = facts_in("/proc/self/status");
  const bool is_free = own.pid != 0 && own.filters == 0;
  if (!is_free) {
    if (!may_speak(own)) return false;
    g_filtered.store(true);
  }
  g_status = own;
  speaking_flag.store(true);
  return true;
}

const StatusFacts& status_at_load() { return g_status; }

bool may_act() { return g_may_act.load(std::memory_order_seq_cst); }

bool filtered() { return g_filtered.load(std::memory_order_relaxed); }

void before_prctl(int option, unsigned long mode, const void* filter) {
  if (option != PR_SET_SECCOMP || silent()) return;
  const bool strict = mode == SECCOMP_MODE_STRICT;
  if (strict || (mode == SECCOMP_MODE_FILTER && effect_of(filter) == Effect::deadly))
    fall_silent(BlindSpot::sandboxed);
}

void before_seccomp(unsigned operation, unsigned flags, const void* filter) {
  if (silent()) return;
  const bool strict = operation == SECCOMP_SET_MODE_STRICT && flags == 0 && filter == nullptr;
  if (strict || (operation == SECCOMP_SET_MODE_FILTER && effect_of(filter) == Effect::deadly))
    fall_silent(BlindSpot::sandboxed);
}

bool before_unshare(int flags) {
  return (flags & (CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) != 0 && pause_threads();
}

bool before_setns(int kinds) {
  return (kinds == 0 || (kinds & (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWTIME)) != 0) && pause_threads();
}

void after_namespace(bool paused) {
  if (!paused) return;
  const int saved = errno;
  watcher::resume();
  errno = saved;
}

}  // namespace socktrack::sandbox
