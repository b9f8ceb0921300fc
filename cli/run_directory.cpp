#include "cli/run_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/commands.h"
#include "cli/failure.h"
#include "watch/recording_reader.h"

namespace socktrack {
namespace {

namespace fs = std::filesystem;

// What is wrong with it as a place for recordings, "" = nothing. lstat: a link that somebody planted
// must not lead us elsewhere.
std::string problem_with(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0) return std::strerror(errno);
  if (S_ISLNK(facts.st_mode)) return "it is a symbolic link";
  if (!S_ISDIR(facts.st_mode)) return "it is not a directory";
  if (facts.st_uid != geteuid()) return "it belongs to another user";
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others may write to it";
  return faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? "" : std::strerror(errno);
}

std::string make_or_accept(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return std::strerror(errno);
  return problem_with(path);
}

std::string use_asked(const std::string& asked) {
  std::error_code error;
  std::string path = fs::absolute(asked, error).lexically_normal().string();
  // With a slash at its end lstat would follow a link.
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (const std::string problem = make_or_accept(path); !problem.empty()) {
    throw Failure(kUsage, "the output directory " + asked + " cannot be used: " + problem);
  }
  return path;
}

// Templates for mkdtemp, best first. What lies in /dev/shm carries our name, so `report` finds it.
std::vector<std::string> private_places() {
  std::vector<std::string> places;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::string base = runtime != nullptr && *runtime == '/' ? std::string(runtime) + "/socktrack"
                           : geteuid() == 0                      ? "/run/socktrack"
                                                                 : "";
  if (!base.empty() && make_or_accept(base).empty()) places.push_back(base + "/run.XXXXXX");
  places.emplace_back("/dev/shm/socktrack.XXXXXX");
  std::error_code error;
  places.push_back((fs::temp_directory_path(error) / "socktrack.XXXXXX").string());
  return places;
}

std::string make_private() {
  std::string tried;
  for (std::string& place : private_places()) {
    if (mkdtemp(place.data()) != nullptr) return place;
    tried += " " + place + ": " + std::strerror(errno) + ".";
  }
  throw Failure(kUsage, "no directory for the recordings could be made; --output can name one." + tried);
}

}  // namespace

RunDirectory::RunDirectory(const std::string& asked) : private_(asked.empty()) {
  path_ = private_ ? make_private() : use_asked(asked);
  if (!private_) earlier_ = find_recordings(path_);
}

std::vector<std::string> RunDirectory::recordings() const {
  std::vector<std::string> files = find_recordings(path_);
  std::erase_if(files, [this](const std::string& file) {
    return std::find(earlier_.begin(), earlier_.end(), file) != earlier_.end();
  });
  return files;
}

void RunDirectory::remove() const {
  std::error_code error;
  if (private_) fs::remove_all(path_, error);
}

}  // namespace socktrack
