#include "watch/output_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace socktrack {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// lstat: a symbolic link that somebody else planted must not lead us elsewhere.
bool is_private_directory(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0) return false;
  return S_ISDIR(facts.st_mode) && facts.st_uid == geteuid() && (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

std::string default_recordings_dir() {
  if (std::string asked = variable("SOCKTRACK_OUTPUT"); !asked.empty()) return asked;
  if (std::string runtime = variable("XDG_RUNTIME_DIR"); runtime.starts_with('/'))
    return runtime + "/socktrack";
  return geteuid() == 0 ? "/run/socktrack" : "";
}

std::vector<std::string> default_recordings_dirs() {
  if (std::string fixed = default_recordings_dir(); !fixed.empty()) return {fixed};
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry("/dev/shm", error), end; !error && entry != end; entry.increment(error)) {
    const std::string path = entry->path().string();
    if (entry->path().filename().string().starts_with("socktrack.") && is_private_directory(path)) {
      found.push_back(path);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace socktrack
