#include "cli/load_watch.h"

#include <spdlog/spdlog.h>

#include "cli/process_facts.h"

namespace socktrack {

bool LoadWatch::look() {
  const bool secure = is_secure_exec(pid_) == Known::yes;
  const std::string name = library_.substr(library_.rfind('/') + 1);
  bool libc = false;
  const Known loaded = has_mapped(pid_, name, &libc);
  if (loaded == Known::yes) return true;
  // The loader maps what is preloaded before what is needed: with libc in and us not, we never will be.
  // Asked twice, because a list that is read while it grows may show the later without the earlier.
  const bool left_out = loaded == Known::no && libc && has_mapped(pid_, name, &libc) == Known::no && libc;
  if (!secure && !left_out) return false;
  why_not_ =
      secure ? "The program gained rights when it was started (setuid, setgid or file capabilities), so the "
               "loader ignored the library."
             : "The loader did not load " + library_ + ": its own message stands above, on standard error.";
  spdlog::error("NOT loaded, nothing of this program will be seen: {}", why_not_);
  return true;
}

}  // namespace socktrack
