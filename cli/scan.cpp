#include "cli/scan.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <tuple>
#include <unordered_map>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/kept_out.h"
#include "cli/library_path.h"
#include "cli/namespace_sockets.h"
#include "cli/preflight.h"
#include "cli/printable.h"
#include "cli/process_facts.h"
#include "cli/process_sockets.h"
#include "cli/scan_finding.h"
#include "cli/thread_activity.h"
#include "watch/detector.h"
#include "watch/endpoint_text.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::now()));
}

std::string user_name(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

std::string exe_of(int pid) {
  std::error_code error;
  return printable(std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error).string());
}

std::string state_of(const DeadSocket& socket) {
  return socket.family == AF_UNIX ? "PEER_GONE" : tcp_state_name(socket.state);
}

// The FIN is at least so old: an answer to a keepalive probe, or to what was sent since, makes it look
// younger.
double age_of(const DeadSocket& socket) {
  return std::min(socket.last_ack_recv_ms, socket.last_data_recv_ms) / 1000.0;
}

ScannedSocket described(const DeadSocket& socket, bool in_epoll, std::vector<Holder> holders) {
  ScannedSocket out;
  out.inode = socket.inode;
  out.cookie = socket.cookie;
  out.protocol = socket.family == AF_UNIX ? "unix" : "tcp";
  out.state = state_of(socket);
  out.recv_q = socket.recv_q;
  out.send_q = socket.send_q;
  out.local = socket.family == AF_UNIX ? printable(socket.path) : endpoint_text(socket.local);
  out.peer = endpoint_text(socket.peer);
  if (socket.has_times) {
    out.at_least_s = age_of(socket);
    out.at_most_s = std::max(socket.last_ack_recv_ms, socket.last_data_recv_ms) / 1000.0;
  }
  out.in_epoll = in_epoll;
  out.holders = std::move(holders);
  return out;
}

// Gathers the look: processes and who holds what, then the sockets of each network namespace.
class Look {
 public:
  explicit Look(const ScanRequest& request) : request_(request) {}

  Scan take(Names& names) {
    result_.taken = now_text();
    read_processes();
    for (const auto& [name_space, pid] : namespaces_) read_namespace(name_space, pid);
    for (const ProcessSockets& process : processes_) {
      if (is_wanted(process)) add_unconnected(process);
    }
    for (auto& [pid, found] : found_) {
      found.pid = pid;
      finish(found, names);
    }
    std::stable_sort(result_.processes.begin(), result_.processes.end(),
                     [](const ScanProcess& a, const ScanProcess& b) { return a.dead > b.dead; });
    return std::move(result_);
  }

 private:
  using GroupKey =
      std::tuple<ScanFinding, bool, std::string, std::string>;  // finding, inbound, service, note
  struct Growing {
    ScanGroup group;
    std::map<std::string, std::uint64_t> peers;
    std::set<int> other_holders;
  };
  struct Found {
    int pid = 0;
    std::map<GroupKey, Growing> groups;
  };

  bool is_wanted(const ProcessSockets& process) const {
    if (!request_.pids.empty()) {
      return std::find(request_.pids.begin(), request_.pids.end(), process.pid) != request_.pids.end();
    }
    return request_.all || user_ == 0 || process.uid == user_;
  }

  void read_processes() {
    for (const int pid : request_.pids) require_readable(pid);
    std::uint64_t refused = 0, strangers = 0;
    for (const int pid : all_processes()) {
      ProcessSockets process = read_process_sockets(pid);
      const bool wanted = is_wanted(process);
      if (!process.readable) {
        refused += wanted ? 1U : 0U;
        strangers += wanted ? 0U : 1U;
        continue;
      }
      if (wanted) {
        ++result_.processes_looked_at;
        if (process.network_namespace != 0) namespaces_.emplace(process.network_namespace, pid);
      }
      processes_.push_back(std::move(process));
    }
    for (std::size_t i = 0; i < processes_.size(); ++i) index(i);
    note("no_permission", refused, "Processes whose descriptors only their owner or root may list.");
    if (request_.pids.empty())
      note("other_users", strangers, "Processes of other users: --all tries them, root sees them.");
  }

  static void require_readable(int pid) {
    const std::string directory = "/proc/" + std::to_string(pid);
    if (!std::filesystem::exists(directory))
      throw Failure(kCannot, fmt::format("there is no process {}", pid));
    if (access((directory + "/fd").c_str(), R_OK | X_OK) == 0 && read_process_sockets(pid).readable) return;
    throw Failure(
        kCannot,
        fmt::format("the descriptors of process {} may be listed by its owner and by root only", pid));
  }

  void index(std::size_t i) {
    by_pid_[processes_[i].pid] = i;
    for (const SocketDescriptor& each : processes_[i].sockets) {
      holders_[each.inode].push_back({processes_[i].pid, each.fd});
    }
  }

  void note(const char* name, std::uint64_t count, std::string what) {
    if (count > 0) result_.unseen.push_back({name, count, std::move(what)});
  }

  // The lowest process first; each once however many descriptors it has for it.
  std::vector<Holder> holders_of(std::uint64_t inode) const {
    const auto found = holders_.find(inode);
    if (inode == 0 || found == holders_.end()) return {};
    std::vector<Holder> holders;
    for (const Holder& each : found->second) {
      if (holders.empty() || holders.back().pid != each.pid) holders.push_back(each);
    }
    return holders;
  }

  void read_namespace(std::uint64_t name_space, int pid) {
    NamespaceSockets sockets = read_namespace_sockets(name_space == network_namespace_of(getpid()) ? 0 : pid);
    if (!sockets.problem.empty()) note("network_namespace", 1, sockets.problem);
    std::stable_sort(sockets.dead.begin(), sockets.dead.end(), [](const DeadSocket& a, const DeadSocket& b) {
      return a.last_ack_recv_ms > b.last_ack_recv_ms;  // the oldest are listed
    });
    for (const DeadSocket& socket : sockets.dead) add_dead(socket, sockets);
    for (const DeadSocket& socket : sockets.dead) known_.insert(socket.inode);
    known_.insert(sockets.known.begin(), sockets.known.end());
  }

  void add_dead(const DeadSocket& socket, const NamespaceSockets& all) {
    std::vector<Holder> holders = holders_of(socket.inode);
    const ScanFinding finding = finding_of(socket, holders.size(), request_.grace_s);
    const Listener* listener = nullptr;
    const auto listening = all.listeners.find(socket.local.port);
    if (socket.inode == 0 && listening != all.listeners.end()) {
      for (const Listener& each : listening->second) {
        const std::vector<Holder> candidates = holders_of(each.inode);
        if (listener == nullptr || holders.empty()) listener = &each;
        holders.insert(holders.end(), candidates.begin(), candidates.end());
      }
    }
    const bool inbound = socket.family != AF_UNIX && listening != all.listeners.end();
    place(socket, finding, inbound, std::move(holders), listener);
  }

  // Under each process that holds it and was asked for.
  void place(const DeadSocket& socket, ScanFinding finding, bool inbound, std::vector<Holder> holders,
             const Listener* listener) {
    const auto first = std::find_if(holders.begin(), holders.end(), [this](const Holder& holder) {
      return is_wanted(processes_[by_pid_.at(holder.pid)]);
    });
    if (first == holders.end()) {
      const bool ours = user_ == 0 || request_.all || socket.uid == user_;
      if (!holders.empty() || !request_.pids.empty() || !ours) return;
    }
    const int pid = first == holders.end() ? 0 : first->pid;
    std::rotate(holders.begin(), first, holders.end());
    Growing& growing =
        group_for(pid, {finding, inbound, service_of(socket, inbound), note_of(finding, socket)});
    const bool in_epoll = pid != 0 && socket.inode != 0 && epoll_of(pid).contains(socket.inode);
    count(growing, socket, in_epoll, holders);
    if (listener != nullptr) {
      growing.group.queue = listener->queue;
      growing.group.backlog = listener->backlog;
    }
    if (growing.group.sockets.size() < request_.sockets_listed) {
      growing.group.sockets.push_back(described(socket, in_epoll, std::move(holders)));
    }
  }

  Growing& group_for(int pid, GroupKey key) {
    const auto [place, is_new] = found_[pid].groups.try_emplace(std::move(key));
    ScanGroup& group = place->second.group;
    if (is_new) std::tie(group.finding, group.inbound, group.service, group.note) = place->first;
    return place->second;
  }

  static void count(Growing& growing, const DeadSocket& socket, bool in_epoll,
                    const std::vector<Holder>& holders) {
    ScanGroup& group = growing.group;
    ++group.count;
    group.in_epoll += in_epoll ? 1U : 0U;
    if (socket.has_times) {
      const double age = age_of(socket);
      group.youngest_s = std::min(group.youngest_s.value_or(age), age);
      group.oldest_s = std::max(group.oldest_s.value_or(age), age);
    }
    if (socket.peer.family != 0) ++growing.peers[address_text(socket.peer)];
    for (std::size_t i = 1; i < holders.size(); ++i) growing.other_holders.insert(holders[i].pid);
  }

  static std::string service_of(const DeadSocket& socket, bool inbound) {
    if (socket.family == AF_UNIX) return printable(socket.path);
    return inbound ? ":" + std::to_string(socket.local.port) : endpoint_text(socket.peer);
  }

  const std::unordered_set<std::uint64_t>& epoll_of(int pid) {
    const auto known = epolls_.find(pid);
    if (known != epolls_.end()) return known->second;
    return epolls_[pid] = inodes_in_epoll(processes_[by_pid_.at(pid)]);
  }

  // The kernel lists no socket that is connected no more: what is left in /proc is one, if it is TCP. One or
  // two may be somebody's spare.
  void add_unconnected(const ProcessSockets& process) {
    std::vector<SocketDescriptor> closed;
    for (const SocketDescriptor& each : process.sockets) {
      if (!known_.contains(each.inode) && protocol_of(process.pid, each).starts_with("TCP"))
        closed.push_back(each);
    }
    if (closed.size() < kCompany) return;
    Growing& growing = group_for(process.pid, {ScanFinding::unconnected, false, "", ""});
    for (const SocketDescriptor& each : closed) {
      DeadSocket socket;
      socket.inode = each.inode;
      socket.state = TCP_CLOSE;
      const bool in_epoll = epoll_of(process.pid).contains(each.inode);
      count(growing, socket, in_epoll, {});
      if (growing.group.sockets.size() < request_.sockets_listed) {
        growing.group.sockets.push_back(described(socket, in_epoll, {{process.pid, each.fd}}));
      }
    }
  }

  void finish(Found& found, Names& names) {
    if (found.pid != 0) forget_marker(found);
    ScanProcess process = process_facts(found);
    if (process.groups.empty()) return;
    const bool trouble = process.dead > 0;
    Preflight preflight;
    if (trouble && process.pid != 0) {
      const bool has_library = has_mapped(process.pid, kLibraryName) == Known::yes;
      process.kept_out = has_library && is_kept_out_unrecorded(process.pid);
      process.tracked = has_library && !process.kept_out;
      preflight = check_process(process.pid, Notes::no);
      process.threads = thread_activity(process.pid);
      if (request_.stacks) add_stacks(process, names);
    }
    for (ScanGroup& group : process.groups) group.advice = advice_for(process, group, preflight);
    process.advice = limit_advice(process);
    result_.processes.push_back(std::move(process));
  }

  // The JDK keeps one end of a shut pair, to put it over sockets that are being closed.
  static void forget_marker(Found& found) {
    const auto group = found.groups.find({ScanFinding::peer_gone, false, "", ""});
    if (group == found.groups.end() || group->second.group.count != 1) return;
    if (has_mapped(found.pid, "libjvm.so") == Known::yes) found.groups.erase(group);
  }

  ScanProcess process_facts(Found& found) {
    ScanProcess process;
    if (const auto known = by_pid_.find(found.pid); known != by_pid_.end()) {
      const ProcessSockets& facts = processes_[known->second];
      process.pid = facts.pid;
      process.name = facts.name;
      process.exe = exe_of(facts.pid);
      process.user = user_name(facts.uid);
      process.network_namespace = facts.network_namespace;
      process.fds_open = facts.fds_open;
      process.fds_limit = facts.fds_limit;
    }
    for (auto& [key, growing] : found.groups) {
      ScanGroup& group = growing.group;
      for (const auto& [address, count] : growing.peers) group.peers.push_back({address, count});
      std::stable_sort(group.peers.begin(), group.peers.end(),
                       [](const ScanPeer& a, const ScanPeer& b) { return a.count > b.count; });
      group.other_holders.assign(growing.other_holders.begin(), growing.other_holders.end());
      if (is_trouble(group.finding)) process.dead += group.count;
      process.groups.push_back(std::move(group));
    }
    std::stable_sort(
        process.groups.begin(), process.groups.end(), [](const ScanGroup& a, const ScanGroup& b) {
          return std::pair(is_trouble(a.finding), a.count) > std::pair(is_trouble(b.finding), b.count);
        });
    return process;
  }

  static void add_stacks(ScanProcess& process, Names& names) {
    try {
      process.stacks = thread_stacks(process.pid, names);
    } catch (const std::runtime_error& error) {
      process.stacks_problem = error.what();
    }
  }

  const ScanRequest& request_;
  const uid_t user_ = geteuid();
  Scan result_;
  std::vector<ProcessSockets> processes_;
  std::unordered_map<int, std::size_t> by_pid_;
  std::unordered_map<std::uint64_t, std::vector<Holder>> holders_;
  std::map<std::uint64_t, int> namespaces_;  // and a process that lives there
  std::unordered_set<std::uint64_t> known_;
  std::unordered_map<int, std::unordered_set<std::uint64_t>> epolls_;
  std::map<int, Found> found_;
};

}  // namespace

Scan scan(const ScanRequest& request, Names& names) { return Look(request).take(names); }

std::string growth_key(const ScanProcess& process, const ScanGroup& group) {
  return fmt::format("{} {} {} {} {}", process.pid, name_of(group.finding), group.inbound, group.service,
                     group.note);
}

ScanCounts counts_of(const Scan& scan) {
  ScanCounts counts;
  for (const ScanProcess& process : scan.processes) {
    for (const ScanGroup& group : process.groups) counts[growth_key(process, group)] = group.count;
  }
  return counts;
}

}  // namespace socktrack
