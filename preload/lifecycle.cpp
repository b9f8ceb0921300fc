#include "preload/lifecycle.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "preload/born_with.h"
#include "preload/json_target.h"
#include "preload/private_table.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/recorder.h"
#include "preload/sandbox.h"
#include "preload/small_text.h"
#include "preload/teardown.h"
#include "preload/watcher.h"
#include "watch/raw_syscall.h"

// at_quick_exit, without the piece of it in libc's static part (see __register_atfork in process.cpp).
extern "C" {
int __cxa_at_quick_exit(void (*handler)(void*), void* library);
extern void* __dso_handle __attribute__((visibility("hidden")));
}

namespace socktrack::lifecycle {
namespace {

std::atomic<int> g_exit_status{0};

void note_exit_status(int status, void*) { g_exit_status.store(status, std::memory_order_relaxed); }

// quick_exit runs no destructor.
void leave_quickly(void*) {
  const int status = g_exit_status.load(std::memory_order_relaxed);
  recorder::end(EndedBy::exit, status);
  const int leave_with = status_to_leave_with(status);
  if (leave_with != status) real._exit(leave_with);
}

void complain(std::string_view variable, std::string_view value, const char* what) {
  char line[512];
  SmallText text{line, sizeof line};
  text.add("socktrack: ");
  for (const char c : variable) text.add(c);
  text.add("='");
  for (const char c : value) text.add(c);
  text.add("' ").add(what).add("; the default is used\n");
  raw_syscall(SYS_write, STDERR_FILENO, reg(line), static_cast<long>(text.size()));
}

bool is_hosted() {
  const char* hosted = std::getenv("SOCKTRACK_HOSTED");
  return hosted != nullptr && std::strcmp(hosted, "1") == 0;
}

// A child that was exec'ed; one that was only forked is told in recorder::after_fork.
bool is_unwanted_child() {
  const Options& options = recorder::options;
  return !options.follow_children && options.root_pid != 0 && options.root_pid != process::pid();
}

// As `ulimit -n hard` in the shell before. A program that uses select() on numbers above 1023 is broken by
// it, which is why somebody must ask for it.
void raise_limit() {
  rlimit limit{};
  if (raw_failed(raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reg(&limit)))) return;
  limit.rlim_cur = limit.rlim_max;
  raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, reg(&limit), 0);
}

// Startup order: first the pointers (every other step may call a hooked function), then whether we may do
// anything at all, then what this process is, then the settings (only now: nginx clears its environment
// later), then who wants to hear of its end.
__attribute__((constructor(101))) void load() {
  const unsigned missing = resolve_real_functions();
  if (!sandbox::start()) return;
  process::start();
  // The command has checked and reported its own settings.
  options_from_environment(recorder::options, environ, is_hosted() ? nullptr : complain);
  for (unsigned i = 0; i < missing; i++) recorder::count(BlindSpot::symbol_missing);
  if (recorder::options.raise_limit) raise_limit();
  note_standard_error_file();
  teardown::prepare();
  json_target::prepare();
  if (is_unwanted_child()) recorder::stay_passive();
  if (!recorder::passive()) take_in_connections_from_exec();
  on_exit(note_exit_status, nullptr);
  __cxa_at_quick_exit(leave_quickly, __dso_handle);
}

__attribute__((destructor(101))) void unload() {
  const int status = g_exit_status.load(std::memory_order_relaxed);
  recorder::end(EndedBy::exit, status);
  const int leave_with = status_to_leave_with(status);
  if (leave_with == status) return;
  std::fflush(nullptr);  // stdio is flushed after the destructors, which are not reached now
  real._exit(leave_with);
}

}  // namespace

void note_status(int status) { g_exit_status.store(status, std::memory_order_relaxed); }

int status_to_leave_with(int status) {
  const Options& options = recorder::options;
  if (!options.fail_on_leak || options.hosted || status != 0 || !process::at_home()) return status;
  return watcher::leaked() > 0 ? options.fail_status : status;
}

}  // namespace socktrack::lifecycle
