// dlopen and dlmopen: told apart from the rest because of what comes after them, calls that go past us.
//
// Hazard: the loader takes the library that called dlopen from the return address, and searches that
// library's RUNPATH. Called from here it would search ours. Rule: the hooks leave by a jump (jumping_hook.h).
#include <dlfcn.h>

#include "preload/jumping_hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/recorder.h"

namespace socktrack {

// Before our constructor the pointers lead to stand-ins, which would be the caller.
extern "C" __attribute__((visibility("hidden"), used)) void* socktrack_before_dlopen(const char*, int mode) {
  resolve_real_functions();
  if ((mode & RTLD_DEEPBIND) != 0 && !process::ours) recorder::count(BlindSpot::deepbind);
  return address_of(real.dlopen.get());
}

extern "C" __attribute__((visibility("hidden"), used)) void* socktrack_before_dlmopen(Lmid_t where,
                                                                                      const char*, int) {
  resolve_real_functions();
  if (where != LM_ID_BASE && !process::ours) recorder::count(BlindSpot::other_namespace);
  return address_of(real.dlmopen.get());
}

JUMPING_HOOK(dlopen, socktrack_before_dlopen);
JUMPING_HOOK(dlmopen, socktrack_before_dlmopen);

}  // namespace socktrack
