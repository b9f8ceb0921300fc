#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/scan.h"
#include "watch/render.h"
#include "watch/words.h"

namespace socktrack {
namespace {

constexpr std::size_t kSocketsShown = 3, kPeersShown = 4, kThreadsShown = 4;

std::string sockets(std::uint64_t count) { return counted(count, "socket"); }

std::string ages(const ScanGroup& group) {
  if (!group.oldest_s) return "";
  if (group.count == 1) return ", for " + duration_in_words(*group.oldest_s);
  return fmt::format(", for {} to {}", duration_in_words(*group.youngest_s),
                     duration_in_words(*group.oldest_s));
}

class Text {
 public:
  Text(bool colour, const ScanCounts* before) : colour_(colour), before_(before) {}

  std::string of(const Scan& scan) {
    headline(scan);
    for (const ScanProcess& each : scan.processes) process(each);
    if (!scan.unseen.empty()) out_ += '\n';
    for (const Unseen& each : scan.unseen) line("not seen ({}): {}", each.count, each.what);
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  std::string paint(const char* code, const std::string& text) const {
    return colour_ ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  }

  void headline(const Scan& scan) {
    std::uint64_t dead = 0, guilty = 0;
    for (const ScanProcess& each : scan.processes) {
      dead += each.dead;
      guilty += each.dead > 0 ? 1U : 0U;
    }
    const std::string looked = counted(scan.processes_looked_at, "process", "processes") + " looked at";
    if (dead == 0) return line("{} ({})", paint("32", "no sockets whose peer has closed"), looked);
    line("{} ({})",
         paint("1;31", fmt::format("{} whose peer has closed, in {}", sockets(dead),
                                   counted(guilty, "process", "processes"))),
         looked);
  }

  void process(const ScanProcess& process) {
    out_ += '\n';
    if (process.pid == 0) {
      line("{}", paint("1", "held by nobody that could be looked at"));
    } else {
      line("{} (pid {}, {}), {} of {} descriptors open", paint("1", process.name), process.pid, process.user,
           process.fds_open, process.fds_limit);
    }
    if (!process.advice.empty()) line("  {}", paint("33", process.advice));
    for (const ScanGroup& each : process.groups) group(process, each);
    threads(process);
    stacks(process);
  }

  void group(const ScanProcess& process, const ScanGroup& group) {
    const std::string count = sockets(group.count) + growth(process, group);
    line("  {}: {}", paint(is_trouble(group.finding) ? "31" : "32", count), sentence_of(group.finding));
    line("    {}{}{}", place_of(group), ages(group), watched(group));
    for (std::size_t i = 0; i < std::min(kSocketsShown, group.sockets.size()); ++i) socket(group.sockets[i]);
    if (group.count > kSocketsShown) line("    ... {} more", group.count - kSocketsShown);
    if (!group.advice.empty()) line("    next: {}", group.advice);
  }

  std::string growth(const ScanProcess& process, const ScanGroup& group) const {
    if (before_ == nullptr) return "";
    const auto found = before_->find(growth_key(process, group));
    const auto change = static_cast<std::int64_t>(group.count) -
                        static_cast<std::int64_t>(found == before_->end() ? 0 : found->second);
    return change == 0 ? "" : fmt::format(" ({:+})", change);
  }

  static std::string place_of(const ScanGroup& group) {
    std::string place = name_of(group.finding);
    if (!group.note.empty()) place += ", " + group.note;
    if (group.finding == ScanFinding::never_accepted) {
      place += fmt::format(", accept queue {} of {}", group.queue, group.backlog);
    }
    if (!group.service.empty()) place += (group.inbound ? ", accepted at " : ", to ") + group.service;
    return place + peers_of(group);
  }

  static std::string peers_of(const ScanGroup& group) {
    if (!group.inbound || group.peers.empty()) return "";
    std::string peers = " from ";
    for (std::size_t i = 0; i < std::min(kPeersShown, group.peers.size()); ++i) {
      peers += fmt::format("{}{} ({})", i > 0 ? ", " : "", group.peers[i].address, group.peers[i].count);
    }
    if (group.peers.size() > kPeersShown) {
      peers += fmt::format(" and {} more", group.peers.size() - kPeersShown);
    }
    return peers;
  }

  static std::string watched(const ScanGroup& group) {
    if (group.finding == ScanFinding::never_accepted || group.finding == ScanFinding::unowned) return "";
    if (group.in_epoll == 0) return ", in no epoll set";
    if (group.in_epoll == group.count) return ", in an epoll set";
    return fmt::format(", {} of them in an epoll set", group.in_epoll);
  }

  void socket(const ScannedSocket& socket) {
    const std::string fd =
        socket.holders.empty() || socket.inode == 0 ? "" : fmt::format("fd {}, ", socket.holders.front().fd);
    const std::string ends = socket.peer.empty() ? socket.local : socket.local + " <- " + socket.peer;
    line("    {}{}{}Recv-Q {}{}", fd, ends, ends.empty() ? "" : ", ", socket.recv_q,
         socket.send_q > 0 ? fmt::format(", Send-Q {}", socket.send_q) : "");
  }

  void threads(const ScanProcess& process) {
    if (process.threads.empty()) return;
    std::string text;
    for (std::size_t i = 0; i < std::min(kThreadsShown, process.threads.size()); ++i) {
      const ThreadActivity& each = process.threads[i];
      const std::string kernel = each.kernel.empty() ? "" : " [" + each.kernel + "]";
      text += fmt::format("{}{} {}{}{}", i > 0 ? "; " : "", each.count, each.name,
                          each.doing.empty() ? "" : " in " + each.doing, kernel);
    }
    if (process.threads.size() > kThreadsShown) text += "; ...";
    line("  threads: {}", text);
  }

  void stacks(const ScanProcess& process) {
    if (!process.stacks_problem.empty()) line("  stacks: {}", process.stacks_problem);
    for (const ThreadStack& each : process.stacks) {
      line("  thread {} {}: {}", each.tid, each.name, each.doing);
      if (!each.problem.empty()) line("    {}", each.problem);
      for (const std::string& frame : stack_lines(each.frames)) line("    {}", frame);
    }
  }

  bool colour_;
  const ScanCounts* before_;
  std::string out_;
};

}  // namespace

std::string render_scan_text(const Scan& scan, bool colour, const ScanCounts* before) {
  return Text(colour, before).of(scan);
}

}  // namespace socktrack
