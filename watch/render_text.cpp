#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "watch/evidence.h"
#include "watch/own_code.h"
#include "watch/render.h"
#include "watch/stack_text.h"
#include "watch/summary.h"
#include "watch/vocabulary.h"
#include "watch/words.h"

namespace socktrack {
namespace {

enum class Colour { none, red, green, yellow, bold };

std::string in_words(Verdict verdict) {
  switch (verdict) {
    case Verdict::eof_not_closed:
      return "the peer closed, the program was told, and did not close";
    case Verdict::error_not_closed:
      return "the connection failed, the program was told, and did not close";
    case Verdict::fin_unread:
      return "the peer closed and the program has not looked";
    case Verdict::data_unread:
      return "the peer closed and its last data was not read";
    case Verdict::never_accepted:
      return "the peer closed before the program accepted";
    case Verdict::inherited:
      return "the peer closed, another process holds a copy";
    case Verdict::abandoned:
      return "never connected, and dropped without close";
    case Verdict::half_open_peer:
      return "the program shut down, the peer does not close";
    case Verdict::healthy:
      break;
  }
  return "";
}

std::uint64_t sum_of(const std::vector<LeakGroup>& groups) {
  std::uint64_t sum = 0;
  for (const LeakGroup& group : groups) sum += group.count;
  return sum;
}

std::uint64_t leak_sites(const ProcessReport& process) {
  return static_cast<std::uint64_t>(
      std::count_if(process.groups.begin(), process.groups.end(),
                    [](const LeakGroup& group) { return group.severity == Severity::leak; }));
}

bool is_quiet(const ProcessReport& process) {
  return process.groups.empty() && process.open_at_exit.empty() && process.closed_late.empty() &&
         process.collected.empty() && process.suppressed.empty() && process.blind_spots.empty() &&
         (process.final_look || process.running);
}

std::string state_of(const ProcessReport& process) {
  if (process.running) return ", running";
  const std::string status = process.exit_status ? fmt::format(", exit {}", *process.exit_status) : "";
  return status + (process.final_look ? "" : ", ended before a last look");
}

std::string who(const ProcessReport& process) {
  return fmt::format("{} (pid {}{})", clean_base_name(process.exe), process.pid, state_of(process));
}

std::string descriptors(const ProcessReport& process) {
  if (process.fds_open == 0) return "";
  return fmt::format(", {} of {} descriptors open", process.fds_open, process.fds_limit);
}

class Text {
 public:
  explicit Text(const TextStyle& style) : style_(style) {}

  void report(const Report& report) {
    if (report.processes.empty()) {
      line("nothing recorded: no program opened a socket");
    } else if (report.processes.size() == 1) {
      process(report.processes.front());
    } else {
      summary(report);
    }
    for (const BlindSpotNote& each : report.notes) note(each);
  }

  std::string take() { return std::move(out_); }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_ += style_.prefix;
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  void blank() { out_ += style_.prefix + "\n"; }

  std::string paint(Colour colour, const std::string& text) const {
    static constexpr const char* codes[] = {"0", "1;31", "32", "33", "1"};
    if (!style_.colour || colour == Colour::none) return text;
    return fmt::format("\033[{}m{}\033[0m", codes[static_cast<std::size_t>(colour)], text);
  }

  void summary(const Report& report) {
    std::uint64_t leaked = 0, sites = 0, guilty = 0, quiet = 0;
    for (const ProcessReport& each : report.processes) {
      leaked += each.leaked;
      sites += leak_sites(each);
      guilty += each.leaked > 0 ? 1U : 0U;
      quiet += is_quiet(each) ? 1U : 0U;
    }
    if (leaked > 0) {
      line("{}",
           paint(Colour::red, fmt::format("{} in {}, in {} of {} processes", counted(leaked, "leaked socket"),
                                          counted(sites, "leak site"), guilty, report.processes.size())));
    } else {
      line("{}",
           paint(Colour::green, fmt::format("no leaked sockets in {} processes", report.processes.size())));
    }
    sections(report);
    if (quiet > 0) quiet_ones(report, quiet);
  }

  void sections(const Report& report) {
    for (const ProcessReport& each : report.processes) {
      if (is_quiet(each)) continue;
      blank();
      process(each);
    }
  }

  void quiet_ones(const Report& report, std::uint64_t count) {
    std::uint64_t opened = 0;
    std::string pids;
    std::uint64_t named = 0;
    for (const ProcessReport& each : report.processes) {
      if (!is_quiet(each)) continue;
      opened += each.opened;
      if (++named <= 8) {
        pids += fmt::format("{}{} {}", named > 1 ? ", " : "", clean_base_name(each.exe), each.pid);
      }
    }
    if (named > 8) pids += ", ...";
    blank();
    line("{} with nothing to tell ({} opened): {}",
         count == 1 ? "1 process" : fmt::format("{} processes", count), counted(opened, "socket"), pids);
  }

  void process(const ProcessReport& process) {
    headline(process);
    groups(process, true);
    groups(process, false);
    if (!process.open_at_exit.empty()) {
      blank();
      line(
          "not leaks: {} still open when the program ended, dead for less than the grace "
          "(--grace 0 counts them): {}",
          counted(sum_of(process.open_at_exit), "socket"), open_places(process.open_at_exit));
    }
    if (!process.closed_late.empty()) closed_late(process);
    for (const Collected& each : process.collected) collected(each);
    if (!process.suppressed.empty()) suppressed(process);
    for (const BlindSpotNote& each : process.blind_spots) {
      // What a vfork child closes is rightly left alone, and happens at every subprocess: for the JSON only.
      if (each.name != name_of(BlindSpot::foreign_child)) note(each);
    }
  }

  void headline(const ProcessReport& process) {
    if (process.leaked > 0) {
      line("{}: {}{}",
           paint(Colour::red, fmt::format("{} in {}", counted(process.leaked, "leaked socket"),
                                          counted(leak_sites(process), "leak site"))),
           who(process), descriptors(process));
      return;
    }
    line("{}: {}, {} opened, {} closed{}", paint(Colour::green, "no leaked sockets"), who(process),
         process.opened, process.closed, descriptors(process));
  }

  void groups(const ProcessReport& process, bool leaks) {
    for (const LeakGroup& each : process.groups) {
      if ((each.severity == Severity::leak) == leaks) group(each, leaks);
    }
  }

  void group(const LeakGroup& group, bool leak) {
    blank();
    line("{}{}: {}", paint(leak ? Colour::red : Colour::yellow, counted(group.count, "socket")),
         leak ? "" : ", no leak", paint(Colour::bold, in_words(group.verdict)));
    const std::string summary = summary_of(group);
    if (!summary.empty()) line("  {}", clean(summary));
    line("  {}, {}oldest {}{}{}, fingerprint {}", name_of(group.verdict),
         group.per_minute > 0 ? fmt::format("{:.1f} per minute, ", group.per_minute) : "",
         duration_in_words(group.oldest_s),
         group.count > 1 ? ", median " + duration_in_words(group.median_s) : "",
         group.trend == Trend::unknown ? "" : fmt::format(", {}", name_of(group.trend)), group.fingerprint);
    if (group.late_closes > group.collected) line("  {}", closed_later(group));
    if (group.collected > 0) line("  {} more closed by the garbage collector alone", group.collected);
    if (!group.pools.empty())
      line("  named by the program: {}", clean(fmt::format("{}", fmt::join(group.pools, ", "))));
    if (!group.peers.empty()) line("  peers: {}", peers(group));
    if (group.threads.size() > 1)
      line("  threads: {}", clean(fmt::format("{}", fmt::join(group.threads, ", "))));
    for (const std::string& each : evidence_lines(group)) line("  {}", clean(each));
    line("  hint: {}", group.hint);
    stack("opened at", group.open_stack);
    stack(sighting_title(group), group.sighting_stack);
    if (const std::string told = text_of(group.mitigation); !told.empty()) line("  mitigation: {}", told);
    siblings(group);
    sockets(group);
  }

  static std::string closed_later(const LeakGroup& group) {
    return fmt::format("{} more closed later than the grace, which is {} for this group now{}",
                       group.late_closes - group.collected, duration_in_words(group.grace_s),
                       group.severity == Severity::info && is_leak(group.verdict)
                           ? ": a pool that looks before it uses them again, no leak"
                           : "");
  }

  static std::string peers(const LeakGroup& group) {
    std::string text;
    for (const PeerCount& each : group.peers) {
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", clean(each.address), each.count);
    }
    return text;
  }

  static std::string sighting_title(const LeakGroup& group) {
    if (group.verdict == Verdict::inherited && group.operation.empty()) return "copied by the fork at";
    if (group.verdict == Verdict::half_open_peer && group.operation == "shutdown") return "shut down at";
    const std::string what = group.error.empty() ? "end of stream seen by" : group.error + " from";
    const std::string thread = group.thread.empty() ? "" : fmt::format(" in thread {}", clean(group.thread));
    return fmt::format("{} {}{} at", what, group.operation.empty() ? "a call" : group.operation, thread);
  }

  void siblings(const LeakGroup& group) {
    if (group.sibling_close_stack.empty()) return;
    if (group.closed_here == 0) return stack("others opened here are closed at", group.sibling_close_stack);
    const bool one_place = group.sibling_closes.size() <= 1;
    stack(fmt::format("{} opened here {} closed{} at", counted(group.closed_here, "other socket"),
                      group.closed_here == 1 ? "was" : "were", one_place ? "" : ", mostly"),
          group.sibling_close_stack);
    if (one_place) return;
    line("  sampled closes: {}", clean(shares(group)));
  }

  static std::string shares(const LeakGroup& group) {
    std::string text;
    for (const SiblingClose& each : group.sibling_closes) {
      const std::string place = each.by_collector ? "the garbage collector" : telling_place(each.stack);
      text += fmt::format("{}{:.0f} % {}", text.empty() ? "" : ", ", each.share * 100,
                          place.empty() ? "somewhere unknown" : place);
    }
    return text;
  }

  void stack(const std::string& title, const std::vector<Frame>& frames) {
    if (frames.empty()) return;
    line("  {}", title);
    for (const std::string& each : stack_lines(frames)) line("    {}", each);
  }

  void sockets(const LeakGroup& group) {
    const std::size_t shown = std::min(group.sockets.size(), style_.sockets_shown);
    if (shown > 0) line("  sockets");
    for (std::size_t i = 0; i < shown; ++i) {
      const SocketFacts& each = group.sockets[i];
      line("    fd {:<5} {} <- {}  {}, {} unread, {}", each.fd, each.local.empty() ? "?" : each.local,
           each.peer.empty() ? "?" : each.peer, each.state, each.recv_q, duration_in_words(each.age_s));
    }
    if (shown > 0 && group.count > shown) line("    ... {} more", group.count - shown);
  }

  static std::string open_place(const LeakGroup& group) {
    const Frame* named = telling_frame(group.open_stack);
    if (named == nullptr) return "somewhere unknown";
    return fmt::format("in {} {}", function_text(*named), place_text(*named));
  }

  // Where to look, each place once: the telling frame of the open stacks.
  static std::string open_places(const std::vector<LeakGroup>& groups) {
    std::vector<std::string> places;
    for (const LeakGroup& group : groups) {
      std::string place = open_place(group);
      if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(std::move(place));
    }
    const bool cut = places.size() > 3;
    if (cut) places.resize(3);
    return fmt::format("opened {}{}", fmt::join(places, ", "), cut ? ", ..." : "");
  }

  void suppressed(const ProcessReport& process) {
    blank();
    for (const SuppressedGroup& each : process.suppressed) {
      line("suppressed: {}, {}, fingerprint {}, by {}", counted(each.group.count, "socket"),
           name_of(each.group.verdict), each.group.fingerprint, clean(each.rule));
    }
  }

  void collected(const Collected& collected) {
    const Frame* opened = telling_frame(collected.open_stack);
    blank();
    line("no leaks, but nobody closes them: {} closed by the garbage collector{}: opened in {}",
         counted(collected.count, "socket"),
         collected.after_s > 0 ? fmt::format(", after up to {}", duration_in_words(collected.after_s)) : "",
         opened == nullptr ? "somewhere unknown"
                           : fmt::format("{} {}", function_text(*opened), place_text(*opened)));
  }

  void closed_late(const ProcessReport& process) {
    std::uint64_t sum = 0;
    for (const LeakGroup& each : process.closed_late) sum += each.late_closes - each.collected;
    if (sum == 0) return;  // all by the collector: told there
    blank();
    line("not leaks: {} closed after all, later than the grace: {}", counted(sum, "socket"),
         open_places(process.closed_late));
  }

  void note(const BlindSpotNote& note) {
    line("note: {} [{}{}]", clean(note.what), note.name,
         note.count > 1 ? fmt::format(" {} times", note.count) : "");
  }

  const TextStyle& style_;
  std::string out_;
};

}  // namespace

std::string render_text(const Report& report, const TextStyle& style) {
  Text text(style);
  text.report(report);
  return text.take();
}

}  // namespace socktrack
