#include "preload/departure.h"

#include <sched.h>

#include <cerrno>

#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/watcher.h"
#include "watch/raw_syscall.h"

namespace socktrack::departure {
namespace {

// Not process::at_home(): an exec in a vfork child is no blind spot, and makes no child of _Fork ours.
bool owns_the_recording() {
  return !process::ours && recorder::recording() != nullptr &&
         static_cast<std::uint32_t>(raw_syscall(SYS_getpid)) == process::pid();
}

}  // namespace

bool begin(EndedBy by) {
  if (!owns_the_recording()) return false;
  const int saved = errno;
  watcher::look_once();
  const bool begun = recorder::note_end(by);
  errno = saved;
  return begun;
}

void take_back() {
  if (owns_the_recording()) recorder::forget_end();
}

void note_split_table() {
  if (!owns_the_recording()) return;
  recorder::count(BlindSpot::split_table);
  if (process::thread_id() != process::pid()) process::ours = true;
}

void note_clone(unsigned flags) {
  if (process::ours) return;
  if ((flags & CLONE_FILES) != 0 && (flags & CLONE_VM) == 0) recorder::count(BlindSpot::foreign_child);
  if ((flags & CLONE_THREAD) != 0 && (flags & CLONE_FILES) == 0) recorder::count(BlindSpot::split_table);
}

}  // namespace socktrack::departure
