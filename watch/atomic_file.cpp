#include "watch/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace socktrack {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& target) : target_(target), temporary_(target + ".XXXXXX") {
  descriptor_ = ::mkostemp(temporary_.data(), O_CLOEXEC);  // O_EXCL, 0600
  if (descriptor_ < 0) temporary_.clear();
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

bool AtomicFile::commit(std::string_view text) {
  // Some file systems tell only at the close that they are full.
  if (!is_open() || !write_all(descriptor_, text) || ::close(std::exchange(descriptor_, -1)) != 0)
    return false;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return false;
  temporary_.clear();
  return true;
}

std::string write_file_atomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  return file.commit(text) ? "" : path + " cannot be written: " + std::strerror(errno);
}

}  // namespace socktrack
