// Hooks of the calls after which this program is another one, or somewhere else: exec, daemon, clone, vfork.
// An exec that succeeds does not return, so its end is written first and taken back if it fails.
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

#include "preload/bodies.h"
#include "preload/departure.h"
#include "preload/hook.h"
#include "preload/jumping_hook.h"
#include "preload/process.h"
#include "preload/real.h"

namespace socktrack {
namespace {

std::size_t count_of(va_list arguments) {
  std::size_t count = 0;
  while (va_arg(arguments, char*) != nullptr) count++;
  return count;
}

// `argv[0]` is set already; returns after the nullptr that ends the list.
void collect(char** argv, va_list& arguments) {
  do {
    *++argv = va_arg(arguments, char*);
  } while (*argv != nullptr);
}

}  // namespace

// The list forms are what libc makes of them too: the arguments in an array on the stack, for the form that
// takes an array. libc's own way from the one to the other does not pass by here.
#define LIST_INTO(argv, first)                                                      \
  va_list arguments;                                                                \
  va_start(arguments, first);                                                       \
  const std::size_t count = (first) == nullptr ? 0 : 1 + count_of(arguments);       \
  va_end(arguments);                                                                \
  auto** argv = static_cast<char**>(__builtin_alloca((count + 1) * sizeof(char*))); \
  argv[0] = const_cast<char*>(first);                                               \
  va_start(arguments, first);                                                       \
  if ((first) != nullptr) collect(argv, arguments)

HOOK(int, execve, (const char* path, char* const* argv, char* const* environment)) {
  return exec_body([&] { return real.execve(path, argv, environment); });
}

HOOK(int, execv, (const char* path, char* const* argv)) {
  return exec_body([&] { return real.execv(path, argv); });
}

HOOK(int, execvp, (const char* file, char* const* argv)) {
  return exec_body([&] { return real.execvp(file, argv); });
}

HOOK(int, execvpe, (const char* file, char* const* argv, char* const* environment)) {
  return exec_body([&] { return real.execvpe(file, argv, environment); });
}

HOOK(int, fexecve, (int fd, char* const* argv, char* const* environment)) {
  return exec_body([&] { return real.fexecve(fd, argv, environment); });
}

HOOK(int, execveat,
     (int directory, const char* path, char* const* argv, char* const* environment, int flags)) {
  return exec_body([&] { return real.execveat(directory, path, argv, environment, flags); });
}

HOOK(int, execl, (const char* path, const char* first, ...)) {
  LIST_INTO(argv, first);
  va_end(arguments);
  return exec_body([&] { return real.execv(path, argv); });
}

HOOK(int, execlp, (const char* file, const char* first, ...)) {
  LIST_INTO(argv, first);
  va_end(arguments);
  return exec_body([&] { return real.execvp(file, argv); });
}

HOOK(int, execle, (const char* path, const char* first, ...)) {
  LIST_INTO(argv, first);
  char* const* environment = va_arg(arguments, char* const*);
  va_end(arguments);
  return exec_body([&] { return real.execve(path, argv, environment); });
}

// The parent leaves inside libc, past our _exit; the child is told of the fork like any other.
HOOK(int, daemon, (int stay, int keep)) {
  const bool left = departure::begin(EndedBy::underscore_exit);
  const int result = real.daemon(stay, keep);
  if (left) departure::take_back();
  if (result == 0 && keep == 0) closing_range(0, 2);  // /dev/null lies over them now
  return result;
}

HOOK(int, clone,
     (int (*start)(void*), void* stack, int flags, void* argument, void* parent_tid, void* tls,
      void* child_tid)) {
  departure::note_clone(static_cast<unsigned>(flags));
  return real.clone(start, stack, flags, argument, parent_tid, tls, child_tid);
}
ALSO(__clone, clone);

// Returns twice: no frame of ours may be below it. Hazard: the child runs in our memory. Rule: from here on
// hooks ask who they are (process.h).
extern "C" __attribute__((visibility("hidden"), used)) void* socktrack_before_vfork() {
  resolve_real_functions();
  process::note_shared_memory();
  return address_of(real.vfork.get());
}
JUMPING_HOOK(vfork, socktrack_before_vfork);
JUMPING_HOOK_ALSO(__vfork, vfork);

}  // namespace socktrack
