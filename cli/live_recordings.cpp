#include "cli/live_recordings.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/kept_out.h"
#include "cli/library_path.h"
#include "cli/process_facts.h"
#include "cli/process_sockets.h"
#include "socktrack/recording.h"

namespace socktrack {
namespace {

bool is_regular_file(const std::string& path) {
  struct stat facts {};
  return lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

// The one mapped last: after a fork the parent's may still be there, below the child's own name in the list.
// A recording names its process, so a name that has "-PID-" in it is the one.
std::string mapped_recording(int pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  const std::string own = "-" + std::to_string(pid) + "-";
  std::string found;
  for (std::string line; std::getline(maps, line);) {
    if (!std::string_view(line).ends_with(kRecordingSuffix)) continue;
    const auto slash = line.find('/');
    if (slash == std::string::npos) continue;
    const std::string path = line.substr(slash);
    const bool is_own = path.find(own, path.rfind('/')) != std::string::npos;
    if (found.empty() || is_own) found = path;
  }
  return found;
}

std::string why_none_of(int pid) {
  const std::string process = "process " + std::to_string(pid);
  if (!std::ifstream("/proc/" + std::to_string(pid) + "/maps")) {
    return errno == ENOENT ? "there is no " + process
                           : process + " cannot be looked into: " + std::strerror(errno);
  }
  if (const std::string mapped = mapped_recording(pid); !mapped.empty())
    return "the recording of " + process + ", '" + mapped + "', cannot be reached";
  const bool has_library = has_mapped(pid, kLibraryName) == Known::yes;
  if (has_library && is_kept_out(pid)) return process + " has no recording. " + kWhyKeptOut;
  return process +
         (has_library
              ? " has no recording that others can see: it has opened no socket yet, or its recording "
                "is in memory of its own"
              : " does not have the library: start it with 'socktrack run' or LD_PRELOAD");
}

}  // namespace

std::string live_recording_of(int pid) {
  const LiveRecording found = live_recording_in(pid);
  if (found.path.empty()) throw Failure(kCannot, why_none_of(pid));
  return found.path;
}

LiveRecording live_recording_in(int pid) {
  const std::string mapped = mapped_recording(pid);
  if (mapped.empty()) return {pid, ""};
  // Another mount namespace has its own files under that name.
  const std::string there = "/proc/" + std::to_string(pid) + "/root" + mapped;
  struct stat here_facts {
  }, there_facts{};
  const bool same = stat(mapped.c_str(), &here_facts) == 0 && stat(there.c_str(), &there_facts) == 0 &&
                    here_facts.st_dev == there_facts.st_dev && here_facts.st_ino == there_facts.st_ino;
  if (same && is_regular_file(mapped)) return {pid, mapped};
  return {pid, is_regular_file(there) ? there : is_regular_file(mapped) ? mapped : ""};
}

std::vector<LiveRecording> live_recordings() {
  std::vector<LiveRecording> found;
  for (const int pid : all_processes()) {
    LiveRecording recording = live_recording_in(pid);
    if (!recording.path.empty()) found.push_back(std::move(recording));
  }
  return found;
}

}  // namespace socktrack
