// What the program may say and ask (include/socktrack/socktrack.h). Called by the program on purpose, so
// these may wait; they keep errno like every function of ours.
#include <cerrno>

#include "preload/hook.h"
#include "preload/pools.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/table.h"
#include "preload/watcher.h"

namespace socktrack {
namespace {

constexpr unsigned kReport = 1;  // SOCKTRACK_REPORT

class ErrnoKept {
 public:
  ErrnoKept() : saved_(errno) {}
  ~ErrnoKept() { errno = saved_; }
  ErrnoKept(const ErrnoKept&) = delete;
  ErrnoKept& operator=(const ErrnoKept&) = delete;

 private:
  int saved_;
};

bool is_ours_to_mark(int fd) { return table::is_tracked(fd) && process::at_home(); }

}  // namespace

SOCKTRACK_EXPORT int socktrack_1_active() {
  const ErrnoKept kept;
  return process::at_home() && !recorder::passive() ? 1 : 0;
}

SOCKTRACK_EXPORT int socktrack_1_pool(int fd, const char* name) {
  const ErrnoKept kept;
  Header* recording = recorder::recording();
  if (recording == nullptr || !is_ours_to_mark(fd)) return -1;
  const bool named = name != nullptr && *name != '\0';
  const std::uint32_t number = named ? pools::number_of(recording, name) : 0;
  if (named && number == 0) return -1;
  table::set_pool(fd, number);
  return 0;
}

SOCKTRACK_EXPORT int socktrack_1_ignore(int fd) {
  const ErrnoKept kept;
  if (recorder::recording() == nullptr || !is_ours_to_mark(fd)) return -1;
  table::ignore(fd);
  return 0;
}

SOCKTRACK_EXPORT unsigned long socktrack_1_leaks_now(unsigned flags) {
  const ErrnoKept kept;
  if (recorder::recording() == nullptr || !process::at_home()) return 0;
  return watcher::leaks_now((flags & kReport) != 0);
}

}  // namespace socktrack
