#include "cli/load_watch.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "cli/kept_out.h"
#include "cli/preflight.h"
#include "cli/process_facts.h"

namespace socktrack {

void LoadWatch::look() {
  std::error_code gone;
  const std::string now =
      std::filesystem::read_symlink("/proc/" + std::to_string(pid_) + "/exe", gone).string();
  if (gone) return;
  if (now != executable_) settled_ = false;
  executable_ = now;
  if (!settled_) settled_ = is_settled();
}

// Its memory is gone, the count of its filters is not.
void LoadWatch::look_back() {
  if (kept_out_ || status_field(pid_, "Name") == free_name_) return;
  const auto own = static_cast<std::uint32_t>(getpid());
  kept_out_ = status_facts(static_cast<std::uint32_t>(pid_)).filters > status_facts(own).filters;
}

bool LoadWatch::is_settled() {
  const Preflight program = check_process(pid_);
  std::string reason = program.answer == Preflight::Answer::no ? program.reason : "";
  if (reason.empty()) {
    const std::string name = library_.substr(library_.rfind('/') + 1);
    bool libc = false;
    loaded_ = has_mapped(pid_, name, &libc) == Known::yes;
    if (loaded_) {
      kept_out_ = socktrack::is_kept_out(pid_);
      if (!kept_out_) free_name_ = status_field(pid_, "Name");
      return true;
    }
    // The loader maps what is preloaded before what is needed: with libc in and us not, we never will be.
    // Asked twice, because a list that is read while it grows may show the later without the earlier.
    if (!libc || has_mapped(pid_, name, &libc) != Known::no || !libc) return false;
    reason =
        "The loader left out " + library_ + ": LD_PRELOAD was taken away, or its own message stands above.";
  }
  spdlog::error("NOT loaded, nothing of {} will be seen. {}", executable_, reason);
  if (why_not_.empty()) why_not_ = executable_ + ": " + reason;
  return true;
}

}  // namespace socktrack
