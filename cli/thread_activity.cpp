#include "cli/thread_activity.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "cli/printable.h"
#include "cli/system_calls.h"

namespace socktrack {
namespace {

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line == "0" ? "" : printable(line);  // wchan of a thread that runs, or may not be looked at
}

}  // namespace

std::vector<ThreadActivity> thread_activity(int pid) {
  std::vector<ThreadActivity> all;
  std::error_code gone;
  std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/task", gone);
  for (const std::filesystem::directory_iterator end; !gone && entry != end; entry.increment(gone)) {
    const std::string id = entry->path().filename().string();
    int tid = 0;
    std::from_chars(id.data(), id.data() + id.size(), tid);
    ThreadActivity one;
    const auto blocked = blocked_in(pid, tid);
    one.kernel = first_line(entry->path() / "wchan");
    one.doing = blocked ? describe(blocked) : one.kernel.empty() ? "not told" : "";
    one.name = first_line(entry->path() / "comm");
    one.count = 1;
    const auto same = std::find_if(all.begin(), all.end(), [&](const ThreadActivity& other) {
      return other.doing == one.doing && other.kernel == one.kernel && other.name == one.name;
    });
    if (same == all.end()) {
      all.push_back(std::move(one));
    } else {
      ++same->count;
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return all;
}

}  // namespace socktrack
