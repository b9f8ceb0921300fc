#include "cli/kept_out_children.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "cli/kept_out.h"
#include "cli/library_path.h"
#include "cli/process_facts.h"
#include "cli/process_sockets.h"

namespace socktrack {
namespace {

namespace fs = std::filesystem;

// Of all processes together: a look is to cost no more than some milliseconds.
constexpr int kMostThreads = 256;

// Each thread has children of its own. `room` counts down.
void add_children(int pid, int& room, std::vector<int>& pids) {
  std::error_code error;
  for (fs::directory_iterator entry(proc_file(pid, "task"), error), end; !error && entry != end && room > 0;
       entry.increment(error), room--) {
    std::ifstream file(entry->path() / "children");
    for (int child = 0; file >> child;) pids.push_back(child);
  }
}

std::vector<int> descendants(int root) {
  int room = kMostThreads;
  std::vector<int> pids{root};
  for (std::size_t at = 0; at < pids.size() && room > 0; at++) add_children(pids[at], room, pids);
  pids.erase(pids.begin());
  return pids;
}

bool has_tcp_sockets(int pid) {
  const ProcessSockets process = read_process_sockets(pid);
  return std::any_of(process.sockets.begin(), process.sockets.end(), [pid](const SocketDescriptor& each) {
    return protocol_of(pid, each).starts_with("TCP");
  });
}

}  // namespace

void KeptOutChildren::look() {
  if (Clock::now() < next_) return;
  next_ = Clock::now() + kInterval;
  for (const int pid : descendants(root_)) judge(pid);
}

// A browser's workers install a filter themselves and have no socket to record: those are not spoken of.
void KeptOutChildren::judge(int pid) {
  if (found_.contains(pid) || status_facts(static_cast<std::uint32_t>(pid)).filters == 0) return;
  if (has_mapped(pid, kLibraryName) != Known::yes || !has_tcp_sockets(pid) || !is_kept_out_unrecorded(pid))
    return;
  found_.insert(pid);
  spdlog::warn("NOT tracked, nothing of process {} ({}) will be seen. {}", pid, status_field(pid, "Name"),
               kWhyKeptOut);
}

}  // namespace socktrack
