// Ways to leave without destructors. Forked workers go this way; it is the last chance for a last look.
#include <pthread.h>

#include "preload/hook.h"
#include "preload/jumping_hook.h"
#include "preload/lifecycle.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/recorder.h"
#include "preload/sandbox.h"
#include "preload/watcher.h"

namespace socktrack {

HOOK(void, _exit, (int status)) {
  recorder::end(EndedBy::underscore_exit, status);
  real._exit(lifecycle::status_to_leave_with(status));
  __builtin_unreachable();
}

// The handlers of at_quick_exit run first, then ours (lifecycle.cpp), which is the earliest of them.
HOOK(void, quick_exit, (int status)) {
  lifecycle::note_status(status);
  real.quick_exit(status);
  __builtin_unreachable();
}

HOOK(void, _Exit, (int status)) {
  recorder::end(EndedBy::underscore_exit, status);
  real._Exit(lifecycle::status_to_leave_with(status));
  __builtin_unreachable();
}

// It unwinds the thread's stack: no frame of ours may be on it.
extern "C" __attribute__((visibility("hidden"), used)) void* socktrack_before_pthread_exit(void*) {
  resolve_real_functions();
  if (!process::ours && !sandbox::silent() && process::thread_id() == process::pid())
    watcher::main_thread_leaves();
  return address_of(real.pthread_exit.get());
}
JUMPING_HOOK(pthread_exit, socktrack_before_pthread_exit);

}  // namespace socktrack
