#include "cli/render_html.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "cli/page.h"
#include "watch/own_code.h"
#include "watch/render.h"

namespace socktrack {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLinesAround = 3;
constexpr std::size_t kMostPlaces = 500;
constexpr off_t kLargestSource = 4 << 20;

// The lines around `line`, as [number, text]; null if there is no such file.
Json lines_around(const std::string& path, int line) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size > kLargestSource)
    return nullptr;
  std::ifstream file(path);
  Json lines = Json::array();
  std::string text;
  for (int number = 1; number <= line + kLinesAround && std::getline(file, text); ++number) {
    if (number >= line - kLinesAround) lines.push_back({number, text});
  }
  return lines.empty() ? Json(nullptr) : lines;
}

void add_sources(Json& sources, const std::vector<Frame>& stack) {
  for (const Frame& frame : stack) {
    if (frame.line <= 0 || sources.size() >= kMostPlaces) continue;
    const std::string place = frame.file + ":" + std::to_string(frame.line);
    if (sources.contains(place)) continue;
    if (Json lines = lines_around(frame.file, frame.line); !lines.is_null())
      sources[place] = std::move(lines);
  }
}

// The frames that lead to the fix: those the summaries name.
Json telling_frames_of(const Report& report) {
  Json names = Json::array();
  for (const ProcessReport& process : report.processes) {
    for (const LeakGroup& group : process.groups) {
      for (const auto* stack : {&group.open_stack, &group.sighting_stack, &group.sibling_close_stack}) {
        const Frame* frame = telling_frame(*stack);
        if (frame != nullptr) names.push_back({frame->function, frame->file, frame->line});
      }
    }
  }
  return names;
}

Json sources_of(const Report& report) {
  Json sources = Json::object();
  for (const ProcessReport& process : report.processes) {
    for (const LeakGroup& group : process.groups) {
      add_sources(sources, group.open_stack);
      add_sources(sources, group.sighting_stack);
      add_sources(sources, group.sibling_close_stack);
    }
  }
  return sources;
}

// Inside a script element "</script" and "<!--" would end or bend it; in JSON '<' stands in strings only.
std::string safe_in_script(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace

std::string render_html(const Report& report, Sources sources) {
  const Json document = {{"version", SOCKTRACK_VERSION},
                         {"report", Json::parse(render_json(report))},
                         {"telling", telling_frames_of(report)},
                         {"sources", sources == Sources::yes ? sources_of(report) : Json::object()}};
  const std::string text = safe_in_script(document.dump(-1, ' ', false, Json::error_handler_t::replace));
  const std::string_view page = kReportPage;
  constexpr std::string_view mark = "@DATA@";
  const std::size_t at = page.find(mark);
  return std::string(page.substr(0, at)) + text + std::string(page.substr(at + mark.size()));
}

}  // namespace socktrack
