// Ways to leave without destructors. Forked workers go this way; it is the last chance for a last look.
#include "preload/hook.h"
#include "preload/lifecycle.h"
#include "preload/real.h"
#include "preload/recorder.h"

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

}  // namespace socktrack
