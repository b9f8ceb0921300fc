#include "cli/report_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/printable.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

constexpr const char* kWords[] = {"new", "growing", "same", "shrinking", "gone"};

// The innermost frame that has a line of somebody's source, else the innermost with a name.
std::string place_of(const std::vector<Frame>& stack) {
  const auto has_line = [](const Frame& frame) { return frame.line > 0 && !frame.file.starts_with("/usr/"); };
  auto frame = std::find_if(stack.begin(), stack.end(), has_line);
  if (frame == stack.end()) frame = stack.begin();
  if (frame == stack.end()) return "";
  const std::string name =
      printable(frame->function.empty() ? fmt::format("{:#x}", frame->offset) : frame->function);
  const std::string file = printable(frame->file.substr(frame->file.rfind('/') + 1));
  return frame->line > 0 ? fmt::format("{} {}:{}", name, file, frame->line) : name;
}

using ByFingerprint = std::map<std::string, GroupChange>;

void count(ByFingerprint& changes, const Report& report, std::uint64_t GroupChange::*side) {
  for (const ProcessReport& process : report.processes) {
    for (const LeakGroup& group : process.groups) {
      GroupChange& change = changes[group.fingerprint];
      change.fingerprint = group.fingerprint;
      change.verdict = name_of(group.verdict);
      change.opened_at = place_of(group.open_stack);
      change.seen_at = place_of(group.sighting_stack);
      change.*side += group.count;
    }
  }
}

Change kind_of(const GroupChange& change) {
  if (change.before == 0) return Change::appeared;
  if (change.after == 0) return Change::gone;
  if (change.after == change.before) return Change::same;
  return change.after > change.before ? Change::grew : Change::shrank;
}

std::string paint(bool colour, Change change, const std::string& text) {
  if (!colour || change == Change::same) return text;
  const bool worse = change == Change::appeared || change == Change::grew;
  return fmt::format("\033[{}m{}\033[0m", worse ? "31" : "32", text);
}

}  // namespace

std::vector<GroupChange> changes_between(const Report& before, const Report& after) {
  ByFingerprint found;
  count(found, before, &GroupChange::before);
  count(found, after, &GroupChange::after);
  std::vector<GroupChange> changes;
  for (auto& [fingerprint, change] : found) {
    change.change = kind_of(change);
    changes.push_back(std::move(change));
  }
  std::stable_sort(changes.begin(), changes.end(), [](const GroupChange& a, const GroupChange& b) {
    if (a.change != b.change) return a.change < b.change;
    return std::max(a.before, a.after) > std::max(b.before, b.after);
  });
  return changes;
}

std::string render_diff_text(const std::vector<GroupChange>& changes, bool colour) {
  std::map<Change, std::size_t> counts;
  for (const GroupChange& each : changes) ++counts[each.change];
  std::string text =
      fmt::format("{} new, {} growing, {} same, {} shrinking, {} gone\n", counts[Change::appeared],
                  counts[Change::grew], counts[Change::same], counts[Change::shrank], counts[Change::gone]);
  for (const GroupChange& each : changes) {
    const std::string word = fmt::format("{:9}", kWords[static_cast<std::size_t>(each.change)]);
    text += fmt::format("{} {} -> {} sockets  {}  {}\n", paint(colour, each.change, word), each.before,
                        each.after, each.verdict, each.fingerprint);
    if (!each.opened_at.empty()) text += fmt::format("            opened at {}\n", each.opened_at);
    if (!each.seen_at.empty()) text += fmt::format("            seen at   {}\n", each.seen_at);
  }
  return text;
}

std::string render_diff_json(const std::vector<GroupChange>& changes) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  const auto known = [](const std::string& text) {
    return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
  };
  for (const GroupChange& each : changes) {
    list.push_back({{"change", kWords[static_cast<std::size_t>(each.change)]},
                    {"fingerprint", each.fingerprint},
                    {"verdict", each.verdict},
                    {"before", each.before},
                    {"after", each.after},
                    {"opened_at", known(each.opened_at)},
                    {"seen_at", known(each.seen_at)}});
  }
  const nlohmann::ordered_json document = {{"schema", "socktrack.diff/1"}, {"groups", std::move(list)}};
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace socktrack
