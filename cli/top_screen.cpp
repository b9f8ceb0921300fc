#include "cli/top_screen.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/printable.h"
#include "watch/own_code.h"
#include "watch/render.h"
#include "watch/summary.h"
#include "watch/vocabulary.h"
#include "watch/words.h"

namespace socktrack {
namespace {

constexpr std::size_t kLeastWidth = 40, kLeastHeight = 6;
constexpr std::size_t kFixedRows = 4;  // title, second line, header, bottom line

constexpr const char* kHelp[] = {
    "Up Down PgUp PgDn Home End   move (j and k, too)",
    "Enter, Right                 into it: groups, and then stacks and sockets",
    "Esc, Left                    back; in the first list: no filter",
    "g                            groups of all processes, and back",
    "s S r                        sort by the next, the one before; turn it round",
    "/                            only what has this text: program, pid, function,",
    "                             file, verdict, fingerprint or address; Enter keeps",
    "                             it, Esc does not",
    "p, Space                     pause: nothing moves until it is pressed again",
    "m                            mitigate the sockets of a group; it asks twice",
    "q, Ctrl-C                    quit",
    "",
    "FDS     descriptors open, of the limit",
    "LIVE    sockets open; LEAKED: those of them in leak groups",
    "MITIG   sockets that were mitigated",
    "RATE    new leaks a minute; OLDEST: for how long the oldest one has been dead",
};

std::string age(double seconds) {
  if (seconds <= 0) return "-";
  if (seconds < 120) return fmt::format("{:.0f}s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f}m", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{:.0f}h", seconds / 3600);
  return fmt::format("{:.0f}d", seconds / 86400);
}

std::string rate(double per_minute) { return per_minute > 0 ? fmt::format("{:.1f}", per_minute) : "-"; }

std::string program_of(const ProcessReport& process) {
  return printable(process.exe.substr(process.exe.rfind('/') + 1));
}

std::string descriptors(const ProcessReport& process) {
  if (process.fds_open == 0) return "?";
  if (process.fds_limit == 0) return fmt::format("{}", process.fds_open);
  const std::uint64_t percent = process.fds_open * 100 / process.fds_limit;
  return fmt::format("{}/{} {:>2}%", process.fds_open, process.fds_limit, percent);
}

std::string state_of(const ProcessReport& process) {
  if (process.running) return "";
  return process.exit_status ? fmt::format("exit {}", *process.exit_status) : "ended";
}

constexpr const char* kProcessHeader =
    "    PID PROGRAM                  FDS   LIVE LEAKED  MITIG   RATE OLDEST";

std::string process_line(const ProcessReport& process) {
  return fmt::format("{:>7} {:<14} {:>13} {:>6} {:>6} {:>6} {:>6} {:>6} {}", process.pid,
                     cut_to(program_of(process), 14), descriptors(process), process.live, process.leaked,
                     process.mitigated, rate(rate_of(process)), age(oldest_of(process)), state_of(process));
}

constexpr const char* kGroupHeader = "  COUNT   RATE OLDEST VERDICT          PROCESS              OPENED AT";
constexpr const char* kOwnGroupHeader = "  COUNT   RATE OLDEST VERDICT          OPENED AT";

enum class Owner { named, known };

std::string group_line(const TopItem& item, Owner named) {
  const LeakGroup& group = *item.group;
  const std::string place = printable(telling_place(group.open_stack));
  const std::string owner =
      fmt::format("{:<20} ", cut_to(fmt::format("{} {}", program_of(*item.process), item.process->pid), 20));
  return fmt::format("{:>7} {:>6} {:>6} {:<16} {}{}", group.count, rate(group.per_minute),
                     age(group.oldest_s), name_of(group.verdict), named == Owner::named ? owner : "",
                     place.empty() ? group.fingerprint : place);
}

bool is_bad(const TopItem& item) {
  return item.group == nullptr ? item.process->leaked > 0 : item.group->severity == Severity::leak;
}

std::string line_of(const TopItem& item, Owner owner) {
  return item.group == nullptr ? process_line(*item.process) : group_line(item, owner);
}

struct Sums {
  std::uint64_t leaked = 0, sites = 0;
};

Sums sums_of(const Report& report) {
  Sums sums;
  for (const ProcessReport& process : report.processes) {
    sums.leaked += process.leaked;
    for (const LeakGroup& group : process.groups) sums.sites += group.severity == Severity::leak ? 1U : 0U;
  }
  return sums;
}

std::string headline(const Report& report, const std::string& clock) {
  const Sums sums = sums_of(report);
  return fmt::format("socktrack top  {}  {}, {} in {}", clock,
                     counted(report.processes.size(), "process", "processes"),
                     counted(sums.leaked, "leaked socket"), counted(sums.sites, "site"));
}

std::string second_line(const TopModel& model) {
  const std::string filter = model.filter().empty() ? "" : ", only with '" + model.filter() + "'";
  const std::string sorted =
      fmt::format("by {}{}{}", name_of(model.sort()), model.reversed() ? ", reversed" : "", filter);
  if (model.view() == TopView::processes) return "processes " + sorted;
  if (model.view() == TopView::groups) {
    const ProcessReport* owner = model.owner();
    return (owner == nullptr ? "groups of all processes "
                             : fmt::format("groups of {} {} ", program_of(*owner), owner->pid)) +
           sorted;
  }
  const TopItem subject = model.subject();
  if (subject.process == nullptr) return "the process is gone";
  return fmt::format("{} {} {}", program_of(*subject.process), subject.process->pid,
                     state_of(*subject.process));
}

// ---- one group, as a text to scroll in

// Cut at blanks; a word longer than a line is cut by the screen.
void add_wrapped(std::vector<std::string>& lines, const std::string& text, std::size_t width) {
  std::string line;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    if (!line.empty() && line.size() + 1 + end - at > width) {
      lines.push_back(line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + text.substr(at, end - at);
    at = end + 1;
  }
  if (!line.empty()) lines.push_back(line);
}

void add_stack(std::vector<std::string>& lines, const std::string& title, const std::vector<Frame>& stack) {
  if (stack.empty()) return;
  lines.emplace_back("");
  lines.push_back(title);
  for (const std::string& each : stack_lines(stack)) lines.push_back("  " + each);
}

std::string sighting_title(const LeakGroup& group) {
  const std::string what = group.error.empty() ? "end of stream" : group.error;
  const std::string call = group.operation.empty() ? "a call" : group.operation;
  return fmt::format("{} seen by {}{} at", what, call,
                     group.thread.empty() ? "" : " in thread " + group.thread);
}

std::vector<std::string> text_of(const LeakGroup& group, std::size_t width) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}, {}, {} a minute, oldest {}", counted(group.count, "socket"),
                              name_of(group.verdict), rate(group.per_minute), age(group.oldest_s)));
  lines.push_back("fingerprint " + group.fingerprint);
  add_wrapped(lines, printable(summary_of(group)), width);
  add_wrapped(lines, "hint: " + group.hint, width);
  add_stack(lines, "opened at", group.open_stack);
  add_stack(lines, sighting_title(group), group.sighting_stack);
  add_stack(lines, "others opened here are closed at", group.sibling_close_stack);
  lines.emplace_back("");
  lines.push_back(group.count > group.sockets.size()
                      ? fmt::format("sockets ({} of {})", group.sockets.size(), group.count)
                      : "sockets");
  for (const SocketFacts& each : group.sockets) {
    lines.push_back(fmt::format("  fd {:<5} {} <- {}  {}, {} unread, {}", each.fd,
                                each.local.empty() ? "?" : each.local, each.peer.empty() ? "?" : each.peer,
                                each.state, each.recv_q, age(each.age_s)));
  }
  for (std::string& line : lines) line = printable(line);
  return lines;
}

// ---- the screen

class Screen {
 public:
  Screen(std::size_t width, std::size_t height) : width_(width), height_(height) {}

  void add(const std::string& text, TopLook look = TopLook::plain) {
    std::string fitting = cut_to(printable(text), width_);
    if (look == TopLook::selected || look == TopLook::header) fitting.resize(padded(fitting), ' ');
    if (rows_.size() < height_) rows_.push_back({std::move(fitting), look});
  }
  void fill_to(std::size_t row) {
    while (rows_.size() < row) rows_.emplace_back();
  }
  std::vector<TopRow> take() { return std::move(rows_); }

 private:
  // Bytes that make the row as wide as the screen.
  std::size_t padded(const std::string& text) const {
    const auto characters = static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0U) != 0x80U; }));
    return text.size() + (width_ > characters ? width_ - characters : 0);
  }

  std::size_t width_, height_;
  std::vector<TopRow> rows_;
};

void show_list(Screen& screen, const TopModel& model, std::size_t room) {
  const Owner owner = model.owner() == nullptr ? Owner::named : Owner::known;
  screen.add(model.view() == TopView::processes ? kProcessHeader
             : owner == Owner::named            ? kGroupHeader
                                                : kOwnGroupHeader,
             TopLook::header);
  const auto& items = model.items();
  const std::size_t first = model.selected() >= room ? model.selected() - room + 1 : 0;
  for (std::size_t i = first; i < std::min(items.size(), first + room); ++i) {
    const TopLook look = i == model.selected()       ? TopLook::selected
                         : is_bad(items[i])          ? TopLook::bad
                         : items[i].process->running ? TopLook::plain
                                                     : TopLook::faint;
    screen.add((i == model.selected() ? ">" : " ") + line_of(items[i], owner).substr(1), look);
  }
  if (!items.empty()) return;
  if (!model.has_snapshot()) {
    screen.add("  looking ...");
  } else if (!model.filter().empty()) {
    screen.add("  nothing has '" + model.filter() + "': Esc in the first list shows all again");
  } else if (model.view() == TopView::groups) {
    screen.add("  no leak groups: nothing is leaked");
  } else {
    screen.add("  no process that records: start one with 'socktrack run -- PROGRAM', or with LD_PRELOAD");
  }
}

void show_group(Screen& screen, TopModel& model, std::size_t width, std::size_t room) {
  const TopItem subject = model.subject();
  screen.add("one group", TopLook::header);
  if (subject.group == nullptr) {
    model.set_page(room, 0);
    screen.add("  it is gone: its sockets were closed, or the process has ended");
    return;
  }
  const std::vector<std::string> text = text_of(*subject.group, width);
  model.set_page(room, text.size());
  const std::size_t first = std::min(model.selected(), text.size() > room ? text.size() - room : 0);
  for (std::size_t i = first; i < std::min(text.size(), first + room); ++i) screen.add(text[i]);
}

std::string bottom_line(const TopModel& model, std::size_t width) {
  if (model.shows_help()) return "any key goes back";
  if (!model.message().empty()) return model.message();
  const std::string paused = model.paused() ? "PAUSED  " : "";
  const std::string keys =
      paused + "?:keys Enter:in Esc:out s:sort /:filter p:pause g:groups m:mitigate q:quit";
  return width >= keys.size() ? keys : paused + "?:keys q:quit";
}

}  // namespace

std::string cut_to(const std::string& text, std::size_t width) {
  std::size_t at = 0, characters = 0;
  while (at < text.size()) {
    const bool continues = (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
    if (!continues && characters++ == width) break;
    ++at;
  }
  return text.substr(0, at);
}

std::vector<TopRow> top_screen(TopModel& model, std::size_t width, std::size_t height) {
  Screen screen(width, height);
  if (width < kLeastWidth || height < kLeastHeight) {
    screen.add(fmt::format("{}x{} is too small", width, height));
    return screen.take();
  }
  const std::size_t room = height - kFixedRows;
  screen.add(headline(model.report(), model.clock()), TopLook::title);
  screen.add(second_line(model), TopLook::faint);
  if (model.shows_help()) {
    screen.add("keys", TopLook::header);
    for (std::size_t i = 0; i < std::min(std::size(kHelp), room); ++i) screen.add(kHelp[i]);
  } else if (model.view() == TopView::group) {
    show_group(screen, model, width, room);
  } else {
    model.set_page(room, 0);
    show_list(screen, model, room);
  }
  screen.fill_to(height - 1);
  const std::string question = model.question();
  screen.add(question.empty() ? bottom_line(model, width) : question,
             question.empty() ? TopLook::faint : TopLook::question);
  return screen.take();
}

std::string top_once(const Report& report, const std::string& clock) {
  TopModel model;
  model.take(std::make_shared<const Report>(report), clock);
  std::string text = headline(report, clock) + '\n' + kProcessHeader + '\n';
  const auto add_items = [&] {
    for (const TopItem& item : model.items()) {
      std::string line = line_of(item, Owner::named);
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + '\n';
    }
  };
  add_items();
  model.press({TopKey::character, 'g'});
  if (model.items().empty()) return text;
  text += std::string("\n") + kGroupHeader + '\n';
  add_items();
  return text;
}

}  // namespace socktrack
