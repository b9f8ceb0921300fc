#include "watch/inherited_filter.h"

#include <cstring>

namespace socktrack {
namespace {

// A container in a container in a shell that was started from a shell.
constexpr int kMostAncestors = 64;

// systemd installs one for each architecture that the kernel can run, and where only the native one is
// allowed another that says so. A single one is more likely to be of the unit's first program.
constexpr std::uint32_t kFewestOfUnit = 2;
// Docker, containerd, CRI-O, podman and LXC install one.
constexpr std::uint32_t kThatOfEngine = 1;

constexpr const char* kMarkOfPod = "/dev/termination-log";  // the kubelet mounts it
constexpr const char* kMarksOfPod[] = {kMarkOfPod, nullptr};
constexpr const char* kMarksOfContainer[] = {"/.dockerenv", kMarkOfPod,
                                             "/run/.containerenv",      // podman, CRI-O, buildah
                                             "/run/systemd/container",  // LXC, where systemd runs in it
                                             nullptr};
constexpr const char* kNoMarks[] = {nullptr};

// Of the topmost process that is seen, which has as many filters as all below it.
//   Hazard: a jail that is a PID namespace, and a first program that installs a filter and executes another.
//   Rule: who lacks privilege must give up all hope of it before. An engine does not lack it; a pod may have
//   given it up by its settings, which many do.
FilterOrigin origin_at_top(const StatusFacts& top) {
  if (top.filters != kThatOfEngine) return FilterOrigin::launcher;
  return top.gave_up_privileges ? FilterOrigin::pod : FilterOrigin::container;
}

bool begins(const char* line, std::size_t size, const char* name, std::size_t length) {
  return size > length && std::memcmp(line, name, length) == 0;
}

// The value of "Name:\t123".
std::uint32_t number_behind(const char* line, std::size_t size, std::size_t at) {
  while (at < size && (line[at] == ' ' || line[at] == '\t')) at++;
  std::uint32_t number = 0;
  for (; at < size && line[at] >= '0' && line[at] <= '9'; at++)
    number = number * 10 + static_cast<std::uint32_t>(line[at] - '0');
  return number;
}

}  // namespace

#define IS(name) begins(line, size, name, sizeof(name) - 1)
#define VALUE_OF(name) number_behind(line, size, sizeof(name) - 1)
// The name of a process cannot bring a line of its own: the kernel writes its line feeds as two letters.
void StatusReader::take_line(const char* line, std::size_t size) {
  if (IS("Pid:")) facts_.pid = VALUE_OF("Pid:");
  if (IS("PPid:")) facts_.parent = VALUE_OF("PPid:");
  if (IS("FDSize:")) facts_.numbers = VALUE_OF("FDSize:");
  if (IS("NoNewPrivs:")) facts_.gave_up_privileges = VALUE_OF("NoNewPrivs:") != 0;
  if (IS("Seccomp:")) {
    facts_.filters = VALUE_OF("Seccomp:") != 0 ? 1 : 0;
    complete_ = facts_.filters == 0;
  }
  if (IS("Seccomp_filters:")) {
    if (const std::uint32_t count = VALUE_OF("Seccomp_filters:"); count != 0) facts_.filters = count;
    complete_ = true;
  }
}
#undef IS
#undef VALUE_OF

std::size_t StatusReader::take(char* text, std::size_t size, std::size_t room) {
  const char* at = text;
  const char* const end = text + size;
  while (!complete_) {
    const auto* line_end =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (line_end == nullptr) break;
    const char first = *at;
    if (!in_long_line_ && (first == 'P' || first == 'S' || first == 'F' || first == 'N'))
      take_line(at, static_cast<std::size_t>(line_end - at));
    in_long_line_ = false;
    at = line_end + 1;
  }
  const auto left = static_cast<std::size_t>(end - at);
  if (left == room) {
    in_long_line_ = true;
    return 0;
  }
  std::memmove(text, at, left);
  return left;
}

FilterOrigin origin_of_filter(const StatusFacts& own, const FilterAuthority& authority, ReadStatus read) {
  if (own.pid == 0) return FilterOrigin::untold;
  if (own.filters == 0) return FilterOrigin::none;
  StatusFacts at = own;
  for (int i = 0; i < kMostAncestors; i++) {
    if (at.pid == authority.unit && own.filters >= kFewestOfUnit) return FilterOrigin::surroundings;
    if (at.parent == 0) return origin_at_top(at);
    const StatusFacts parent = read(at.parent);
    if (parent.pid == 0) return FilterOrigin::untold;
    if (parent.filters != own.filters) return FilterOrigin::launcher;
    // The command lives here as well, and has tried the library in a child of its own.
    if (at.pid == authority.root) return FilterOrigin::surroundings;
    at = parent;
  }
  return FilterOrigin::untold;
}

const char* const* marks_of(FilterOrigin origin) {
  if (origin == FilterOrigin::container) return kMarksOfContainer;
  return origin == FilterOrigin::pod ? kMarksOfPod : kNoMarks;
}

}  // namespace socktrack
