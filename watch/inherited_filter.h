// A seccomp filter that was there before the program: whose is it?
//
// Nobody can read it, and to find out its answer to a call is to make the call. But the filters of a process
// are counted in /proc, and a child has those of its parent: who has just as many as all processes above it
// lives where everything lives under them, a container, a systemd unit or a jail. One more, and somebody
// installed it for this program, and may have allowed what this program does and nothing else.
//
// A container is told from a jail by what its engine leaves in it, and by having one filter: one more is of
// its first program, or of a jail in it. docs/decisions/0011-inherited-filters.md
#pragma once

#include <cstddef>
#include <cstdint>

namespace socktrack {

// From /proc/PID/status. Numbers of processes are those that this /proc knows them by.
struct StatusFacts {
  std::uint32_t pid = 0;            // 0: nothing is known
  std::uint32_t parent = 0;         // 0: none in this PID namespace
  std::uint32_t filters = 0;        // before Linux 5.9: 1, however many
  std::uint32_t numbers = 0;        // of descriptors it has room for: none above is open; 0: not told
  bool gave_up_privileges = false;  // NoNewPrivs: without it only who has CAP_SYS_ADMIN may install a filter
};

// Takes the text in pieces, as read() gives it: the list of groups alone may be longer than any buffer.
class StatusReader {
 public:
  // Leaves in `text` what begins the next piece, and gives its size. `size` of `room` bytes are text.
  std::size_t take(char* text, std::size_t size, std::size_t room);
  bool is_complete() const { return complete_; }  // the rest does not matter
  StatusFacts facts() const { return facts_; }

 private:
  void take_line(const char* line, std::size_t size);

  StatusFacts facts_;
  bool in_long_line_ = false;
  bool complete_ = false;
};

enum class FilterOrigin : std::uint8_t {
  none,          // there is no filter
  surroundings,  // all that live here have it
  container,     // the same, if this is a container: is_trusted()
  pod,           // the same, if this is one of Kubernetes
  launcher,      // installed for this program, or by it
  untold,        // /proc does not tell
};

// Who may be above the program with fewer filters.
struct FilterAuthority {
  std::uint32_t unit = 0;  // SYSTEMD_EXEC_PID: the process that systemd executed itself
  std::uint32_t root = 0;  // SOCKTRACK_ROOT_PID of a hosted program: the one that `socktrack run` executed
};

using ReadStatus = StatusFacts (*)(std::uint32_t pid);
FilterOrigin origin_of_filter(const StatusFacts& own, const FilterAuthority& authority, ReadStatus read);

// Files that a container's engine or the kubelet leaves in it, up to a nullptr.
const char* const* marks_of(FilterOrigin origin);

// Is it a filter for whoever lives here, of which no more need be feared than of any container's?
template <typename IsThere>
bool is_trusted(FilterOrigin origin, IsThere is_there) {
  if (origin == FilterOrigin::surroundings) return true;
  for (const char* const* mark = marks_of(origin); *mark != nullptr; mark++) {
    if (is_there(*mark)) return true;
  }
  return false;
}

}  // namespace socktrack
