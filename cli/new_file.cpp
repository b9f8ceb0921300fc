#include "cli/new_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/commands.h"
#include "cli/failure.h"

namespace socktrack {
namespace {

[[noreturn]] void refuse(int exit_status, const std::string& target, const std::string& why) {
  throw Failure(exit_status, "the report cannot be written to " + target + ": " + why);
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
  file_.emplace(target_);
  if (!file_->is_open()) refuse(kUsage, target, std::strerror(errno));
}

void NewFile::commit(const std::string& content) {
  if (!file_->commit(content)) refuse(kCannot, target_, std::strerror(errno));
}

}  // namespace socktrack
