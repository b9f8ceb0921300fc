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

HOOK(void, _Exit, (int status)) {
  recorder::end(EndedBy::underscore_exit, status);
  real._Exit(lifecycle::status_to_leave_with(status));
  __builtin_unreachable();
}

}  // namespace socktrack
