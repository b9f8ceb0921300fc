// Code that goes away: the same address may be other code later.
#include "preload/hook.h"
#include "preload/modules.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/recorder.h"

namespace socktrack {

HOOK(int, dlclose, (void* handle)) {
  const int result = real.dlclose(handle);
  Header* recording = result == 0 ? recorder::recording() : nullptr;
  if (recording != nullptr && process::at_home()) modules::note_unloaded(recording);
  return result;
}

}  // namespace socktrack
