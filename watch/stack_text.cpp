#include "watch/stack_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "watch/runtime_functions.h"

namespace socktrack {
namespace {

constexpr std::size_t kLinesShown = 16;
constexpr std::size_t kFunctionWidth = 40;  // longer names push their source line to the right
constexpr std::size_t kFunctionCut = 100;   // C++ names can be pages long; JSON has them whole
constexpr std::size_t kRun = 3;             // shorter runs are shown

// The last two parts of a path: enough to tell one main.cpp from another, short enough for a line.
std::string short_path(std::string_view path) {
  const auto last = path.rfind('/');
  if (last == std::string_view::npos || last == 0) return clean(path);
  return clean(path.substr(path.rfind('/', last - 1) + 1));
}

bool is_jdk_frame(const Frame& frame) { return frame.language == "java" && is_of_jdk(frame.function); }

// A line of the stack: a frame, or so many of them that are left out.
struct Row {
  std::size_t frame = 0;
  std::size_t left_out = 0;
};

// How the JDK does it is left out; which of its methods the program called is not.
std::vector<Row> rows_of(const std::vector<Frame>& frames) {
  const bool folds = std::any_of(frames.begin(), frames.end(), [](const Frame& frame) {
    return frame.language == "java" && !is_of_jdk(frame.function);
  });
  std::vector<Row> rows;
  for (std::size_t i = 0; i < frames.size();) {
    std::size_t end = i;
    while (folds && end < frames.size() && is_jdk_frame(frames[end])) ++end;
    const std::size_t run = end - i;
    const std::size_t hidden = end < frames.size() && run > 0 ? run - 1 : run;
    if (hidden >= kRun) {
      rows.push_back({0, hidden});
      i += hidden;
      if (end < frames.size()) rows.push_back({i++, 0});
    } else {
      for (end = std::max(end, i + 1); i < end; ++i) rows.push_back({i, 0});
    }
  }
  return rows;
}

std::string mark_of(const Frame& frame) {
  if (frame.inlined) return " [inlined]";
  return frame.role.empty() ? "" : " [" + frame.role + "]";
}

}  // namespace

std::string clean(std::string_view text) {
  std::string safe(text);
  for (char& c : safe) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return safe;
}

std::string clean_base_name(std::string_view path) { return clean(path.substr(path.rfind('/') + 1)); }

std::string function_text(const Frame& frame) {
  if (frame.function.empty()) return fmt::format("{:#x}", frame.offset);
  const std::string name = clean(frame.function);
  return name.size() <= kFunctionCut ? name : name.substr(0, kFunctionCut - 3) + "...";
}

std::string place_text(const Frame& frame) {
  if (!frame.file.empty() && frame.line > 0) {
    return fmt::format("{}:{}", short_path(frame.file), frame.line);
  }
  if (!frame.module.empty()) return fmt::format("({})", clean_base_name(frame.module));
  if (frame.language == "native") return "(no module)";
  return fmt::format("({})", frame.file.empty() ? "unknown source" : short_path(frame.file));
}

std::vector<std::string> stack_lines(const std::vector<Frame>& frames) {
  const std::vector<Row> rows = rows_of(frames);
  const std::size_t shown = std::min(rows.size(), kLinesShown);
  std::size_t width = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    if (rows[i].left_out == 0) width = std::max(width, function_text(frames[rows[i].frame]).size());
  }
  width = std::min(width, kFunctionWidth);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < shown; ++i) {
    if (rows[i].left_out > 0) {
      lines.push_back(fmt::format("... {} frames of the JDK", rows[i].left_out));
      continue;
    }
    const Frame& frame = frames[rows[i].frame];
    lines.push_back(fmt::format("#{:<2} {:<{}}  {}{}", rows[i].frame, function_text(frame), width,
                                place_text(frame), mark_of(frame)));
  }
  if (rows.size() > shown) lines.push_back(fmt::format("... {} more", frames.size() - rows[shown].frame));
  return lines;
}

}  // namespace socktrack
