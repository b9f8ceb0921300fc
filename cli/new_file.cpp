#include "cli/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/commands.h"
#include "cli/failure.h"

namespace socktrack {
namespace {

[[noreturn]] void refuse(int exit_status, const std::string& target, const std::string& why) {
  throw Failure(exit_status, "the report cannot be written to " + target + ": " + why);
}

bool write_all(int descriptor, const std::string& content) {
  for (std::size_t written = 0; written < content.size();) {
    const ssize_t n = write(descriptor, content.data() + written, content.size() - written);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) written += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

NewFile::NewFile(const std::string& target) {
  std::error_code error;
  target_ = std::filesystem::absolute(target, error).string();  // the command never changes its directory
  struct stat facts {};
  if (target.ends_with('/')) refuse(kUsage, target, "it is the name of a directory");
  if (lstat(target_.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode)) {
    refuse(kUsage, target,
           S_ISLNK(facts.st_mode)   ? "it is a symbolic link"
           : S_ISDIR(facts.st_mode) ? "it is a directory"
                                    : "it is not a regular file");
  }
  temporary_ = target_ + ".XXXXXX";
  descriptor_ = mkostemp(temporary_.data(), O_CLOEXEC);
  if (descriptor_ < 0) refuse(kUsage, target, std::strerror(errno));
}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void NewFile::commit(const std::string& content) {
  // Full file systems may tell only when the data is really written.
  if (!write_all(descriptor_, content) || fsync(descriptor_) != 0 ||
      rename(temporary_.c_str(), target_.c_str()) != 0) {
    refuse(kCannot, target_, std::strerror(errno));
  }
  close(descriptor_);
  descriptor_ = -1;
}

}  // namespace socktrack
