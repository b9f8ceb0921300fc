#include "cli/render_html.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "cli/page.h"
#include "watch/recording_reader.h"
#include "watch/render.h"

namespace socktrack {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLinesAround = 3;
constexpr std::size_t kMostPlaces = 500, kMostPoints = 400;
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

double seconds_of(std::uint64_t ns) {
  const std::uint64_t ms = ns / 1'000'000;
  return static_cast<double>(ms) / 1000.0;
}

// Seconds since the recording was made, and how many sockets stood accused from then on.
Json course_of(const RecordingView& recording) {
  const std::uint64_t start = recording.header().created_monotonic_ns;
  std::map<std::uint64_t, std::int64_t> steps;
  for (const Accusation& each : recording.accusations()) {
    if (each.ready.load(std::memory_order_acquire) == 0) continue;
    ++steps[std::max(each.spoken_ns, start)];
    if (const std::uint64_t ended = each.ended_ns.load(); ended != 0) --steps[std::max(ended, start)];
  }
  const std::size_t every = steps.size() / kMostPoints + 1;
  Json points = Json::array();
  std::int64_t count = 0;
  std::size_t step = 0;
  for (const auto& [at, change] : steps) {
    count += change;
    if (++step % every != 0 && step != steps.size()) continue;
    points.push_back({seconds_of(at - start), std::max<std::int64_t>(count, 0)});
  }
  const std::uint64_t ended = recording.header().ended_monotonic_ns.load();
  const std::uint64_t last = ended != 0 ? ended : recording.header().swept_monotonic_ns.load();
  if (!points.empty() && last > start) {
    points.push_back({seconds_of(last - start), std::max<std::int64_t>(count, 0)});
  }
  return points;
}

Json timelines_of(const Report& report) {
  Json timelines = Json::array();
  for (const ProcessReport& process : report.processes) {
    if (process.recording.empty()) continue;
    try {
      const RecordingView recording = RecordingView::of_file(process.recording);
      timelines.push_back(
          {{"pid", process.pid}, {"started", process.started}, {"points", course_of(recording)}});
    } catch (const RecordingError&) {
      continue;  // gone since the report was built: the page does without
    }
  }
  return timelines;
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
                         {"timelines", timelines_of(report)},
                         {"sources", sources == Sources::yes ? sources_of(report) : Json::object()}};
  const std::string text = safe_in_script(document.dump(-1, ' ', false, Json::error_handler_t::replace));
  const std::string_view page = kReportPage;
  constexpr std::string_view mark = "@DATA@";
  const std::size_t at = page.find(mark);
  return std::string(page.substr(0, at)) + text + std::string(page.substr(at + mark.size()));
}

}  // namespace socktrack
