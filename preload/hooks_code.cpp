// Code that goes away: the same address may be other code later.
#include "preload/hook.h"
#include "preload/modules.h"
#include "preload/php_frames.h"
#include "preload/process.h"
#include "preload/python_frames.h"
#include "preload/real.h"
#include "preload/recorder.h"
#include "preload/teardown.h"

namespace socktrack {

HOOK(int, dlclose, (void* handle)) {
  const int result = real.dlclose(handle);
  if (result == 0) {
    python::forget_if_gone();
    php::forget_if_gone();
    teardown::forget_the_gone();
  }
  Header* recording = result == 0 ? recorder::recording() : nullptr;
  if (recording != nullptr && process::at_home()) modules::note_unloaded(recording);
  return result;
}

}  // namespace socktrack
