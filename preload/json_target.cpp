#include "preload/json_target.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/small_text.h"
#include "watch/raw_syscall.h"

namespace socktrack::json_target {
namespace {

struct Snapshot {
  ino_t inode = 0;  // 0: no such file
  timespec written{};
};
Snapshot g_at_load;

Snapshot snapshot() {
  struct stat facts {};
  const char* file = path();
  if (file[0] == '\0' || raw_failed(raw_syscall(SYS_newfstatat, AT_FDCWD, reg(file), reg(&facts), 0)))
    return {};
  return {facts.st_ino, facts.st_mtim};
}

bool same(const Snapshot& a, const Snapshot& b) {
  return a.inode == b.inode && a.written.tv_sec == b.written.tv_sec && a.written.tv_nsec == b.written.tv_nsec;
}

}  // namespace

void prepare() {
  if (recorder::options.json[0] != '\0') g_at_load = snapshot();
}

bool is_awaited() {
  return recorder::options.json[0] != '\0' && path()[0] != '\0' && same(snapshot(), g_at_load);
}

const char* path() {
  static char expanded[sizeof(Options::json) + 64];
  const char* asked = recorder::options.json;
  const char* mark = std::strstr(asked, "%p");
  SmallText text{expanded, sizeof expanded};
  if (recorder::options.hosted || (mark == nullptr && process::forked())) return expanded;
  for (const char* c = asked; *c != '\0'; c++) {
    if (c != mark) {
      text.add(*c);
    } else {
      text.add(std::uint64_t{process::pid()});
      c++;
    }
  }
  return expanded;
}

}  // namespace socktrack::json_target
