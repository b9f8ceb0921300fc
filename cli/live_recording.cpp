#include "cli/live_recording.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/commands.h"
#include "cli/failure.h"
#include "socktrack/recording.h"

namespace socktrack {
namespace {

bool is_readable_file(const std::string& path) {
  struct stat facts {};
  return lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace

std::string live_recording_of(int pid) {
  const std::string process = "process " + std::to_string(pid);
  const std::string home = "/proc/" + std::to_string(pid);
  std::ifstream maps(home + "/maps");
  if (!maps) {
    throw Failure(kCannot, errno == ENOENT ? "there is no " + process
                                           : process + " cannot be looked into: " + std::strerror(errno));
  }
  bool loaded = false;
  std::string path;
  for (std::string line; std::getline(maps, line);) {
    const auto slash = line.find('/');
    if (slash == std::string::npos) continue;
    const std::string mapped = line.substr(slash);
    loaded = loaded || mapped.find("libsocktrack.so") != std::string::npos;
    if (mapped.ends_with(kRecordingSuffix)) path = mapped;
  }
  if (path.empty()) {
    throw Failure(kCannot,
                  process + (loaded ? " has no recording that others can see: it has opened no socket yet, "
                                      "or its recording is in memory of its own"
                                    : " does not have the library: start it with 'socktrack run' or "
                                      "LD_PRELOAD"));
  }
  for (const std::string& seen : {path, home + "/root" + path}) {
    if (is_readable_file(seen)) return seen;
  }
  throw Failure(kCannot, "the recording of " + process + ", '" + path + "', cannot be reached");
}

}  // namespace socktrack
