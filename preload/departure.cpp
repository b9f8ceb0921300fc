#include "preload/departure.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>

#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/sandbox.h"
#include "preload/watcher.h"
#include "watch/raw_syscall.h"

namespace socktrack::departure {
namespace {

// Not process::at_home(): an exec in a vfork child is no blind spot, and makes no child of _Fork ours.
bool is_this_process() {
  return !process::ours && !sandbox::silent() &&
         static_cast<std::uint32_t>(raw_syscall(SYS_getpid)) == process::pid();
}

bool owns_the_recording() { return recorder::recording() != nullptr && is_this_process(); }

// The directory has a link for each thread, and two of its own. Asked while ours are away.
bool has_other_threads() {
  struct stat facts {};
  const long answer = raw_syscall(SYS_newfstatat, AT_FDCWD, reg("/proc/self/task"), reg(&facts), 0);
  return !raw_failed(answer) && facts.st_nlink > 3;
}

}  // namespace

bool begin(EndedBy by) {
  if (recorder::recording() == nullptr && is_this_process()) recorder::discard_prepared();
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

bool begin_split() {
  if (!owns_the_recording() || process::thread_id() != process::pid()) return false;
  const int saved = errno;
  watcher::retire();
  errno = saved;
  return true;
}

void end_split(bool moves, bool done) {
  if (!owns_the_recording()) return;
  const int saved = errno;
  if (done && !moves) {
    recorder::count(BlindSpot::split_table);
    process::ours = process::apart = true;
  } else if (done && has_other_threads()) {
    sandbox::fall_silent(BlindSpot::split_table);
  } else if (moves) {
    watcher::resume();
  }
  errno = saved;
}

void note_clone(unsigned flags) {
  if ((flags & CLONE_VM) != 0 && (flags & CLONE_THREAD) == 0) process::note_shared_memory();
  if (process::ours) return;
  if ((flags & CLONE_FILES) != 0 && (flags & CLONE_VM) == 0) recorder::count(BlindSpot::foreign_child);
  if ((flags & CLONE_THREAD) != 0 && (flags & CLONE_FILES) == 0) recorder::count(BlindSpot::split_table);
}

}  // namespace socktrack::departure
