#include "watch/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

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

std::string problem(const std::string& path) { return path + " cannot be written: " + std::strerror(errno); }

}  // namespace

std::string write_file_atomically(const std::string& path, std::string_view text) {
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);  // O_EXCL, 0600
  if (fd < 0) return problem(path);
  const bool written = write_all(fd, text);
  std::string failure = written ? "" : problem(path);
  if (::close(fd) != 0 && failure.empty()) failure = problem(path);
  if (failure.empty() && ::rename(temporary.c_str(), path.c_str()) != 0) failure = problem(path);
  if (!failure.empty()) ::unlink(temporary.c_str());
  return failure;
}

}  // namespace socktrack
