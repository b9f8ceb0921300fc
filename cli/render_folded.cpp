#include "cli/render_folded.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/printable.h"

namespace socktrack {
namespace {

// ';' parts frames and the last blank parts the count.
std::string folded_name(std::string name) {
  std::replace(name.begin(), name.end(), ';', ':');
  return printable(std::move(name));
}

std::string name_of(const Frame& frame) {
  const std::string module = frame.module.substr(frame.module.rfind('/') + 1);
  if (frame.function.empty())
    return folded_name(fmt::format("{}+{:#x}", module.empty() ? "?" : module, frame.offset));
  return folded_name(frame.function + (frame.inlined ? "_[i]" : ""));
}

std::string path_of(const ProcessReport& process, const std::vector<Frame>& stack) {
  std::string path = folded_name(process.exe.substr(process.exe.rfind('/') + 1));
  if (stack.empty()) return path + ";(not seen)";
  for (auto frame = stack.rbegin(); frame != stack.rend(); ++frame) path += ";" + name_of(*frame);
  return path;
}

}  // namespace

std::string render_folded(const Report& report, FoldedBy by) {
  std::map<std::string, std::uint64_t> counts;
  for (const ProcessReport& process : report.processes) {
    for (const LeakGroup& group : process.groups) {
      counts[path_of(process, by == FoldedBy::open_site ? group.open_stack : group.sighting_stack)] +=
          group.count;
    }
  }
  std::string text;
  for (const auto& [path, count] : counts) text += fmt::format("{} {}\n", path, count);
  return text;
}

}  // namespace socktrack
