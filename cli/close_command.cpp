// socktrack close PID [--socket COOKIE|--group FINDING|--port N|--all-close-wait] [--dry-run] [--raise-limit
// N]
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <memory>

#include "cli/commands.h"
#include "cli/duration_option.h"
#include "cli/failure.h"
#include "cli/outside_close.h"
#include "cli/process_id.h"
#include "cli/scan.h"

namespace socktrack {
namespace {

struct CloseRequest {
  int pid = 0;
  std::vector<std::uint64_t> cookies;
  std::string group;
  int port = 0;
  bool all = false;
  bool dry_run = false;
  bool force = false;
  std::uint64_t raise_limit = 0;
  std::uint64_t grace_ns = 10'000'000'000;

  bool picks_sockets() const { return all || port != 0 || !group.empty() || !cookies.empty(); }
};

struct Candidate {
  ScannedSocket socket;
  ScanFinding finding;
};

bool has_port(const std::string& address, int port) { return address.ends_with(":" + std::to_string(port)); }

bool is_picked(const CloseRequest& request, const ScanGroup& group, const ScannedSocket& socket) {
  if (request.all) return true;
  if (!request.group.empty()) return request.group == name_of(group.finding);
  if (request.port != 0) return has_port(group.inbound ? socket.local : socket.peer, request.port);
  return std::find(request.cookies.begin(), request.cookies.end(), socket.cookie) != request.cookies.end();
}

std::vector<Candidate> picked(const CloseRequest& request) {
  ScanRequest look;
  look.pids = {request.pid};
  look.grace_s = static_cast<double>(request.grace_ns) / 1e9;
  look.sockets_listed = std::numeric_limits<std::size_t>::max();
  NoNames names;
  std::vector<Candidate> candidates;
  for (const ScanProcess& process : scan(look, names).processes) {
    for (const ScanGroup& group : process.groups) {
      for (const ScannedSocket& socket : group.sockets) {
        if (socket.state == "CLOSE_WAIT" && is_picked(request, group, socket)) {
          candidates.push_back({socket, group.finding});
        }
      }
    }
  }
  return candidates;
}

// Why a socket is left alone before it is even looked at; "" = it is not.
std::string refusal(const CloseRequest& request, const Candidate& candidate) {
  if (candidate.finding == ScanFinding::never_accepted) {
    return "It was never accepted: no process has it. The accept loop is what to look at.";
  }
  if (candidate.socket.holders.empty()) return "No process that can be looked at holds it.";
  if (candidate.finding == ScanFinding::young) return "It is dead for less than the grace (--grace).";
  if (request.force) return "";
  if (candidate.finding == ScanFinding::sending) return "The process still sends on it (--force).";
  if (candidate.finding != ScanFinding::inherited) return "";
  std::string others;
  for (std::size_t i = 1; i < candidate.socket.holders.size(); ++i) {
    const Holder& each = candidate.socket.holders[i];
    others += fmt::format("{}{} (fd {})", i > 1 ? ", " : "", each.pid, each.fd);
  }
  return fmt::format("Other processes hold it as well, and would lose it too: {} (--force).", others);
}

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::now()));
}

// One line per socket, whatever became of it: what was done in somebody else's program can be looked up.
void audit(int pid, const Candidate& candidate, const std::string& what) {
  const ScannedSocket& socket = candidate.socket;
  const int fd = socket.holders.empty() ? -1 : socket.holders.front().fd;
  std::cout << fmt::format("{} pid {} fd {} cookie {} {} {} <- {} recv_q {}: {}\n", now_text(), pid, fd,
                           socket.cookie, name_of(candidate.finding), socket.local, socket.peer,
                           socket.recv_q, what);
}

int shut_down_all(const CloseRequest& request, const ProcessHandle& process) {
  const std::vector<Candidate> candidates = picked(request);
  if (candidates.empty()) {
    throw Failure(kCannot, fmt::format("process {} has no such sockets in CLOSE_WAIT: see socktrack scan {}",
                                       request.pid, request.pid));
  }
  if (dies_of_sigpipe(request.pid)) {
    spdlog::warn(
        "process {} neither ignores nor handles SIGPIPE: if it writes to such a socket later, that ends it",
        request.pid);
  }
  std::size_t done = 0;
  for (const Candidate& candidate : candidates) {
    std::string why_not = refusal(request, candidate);
    ShutDown result;
    if (why_not.empty()) {
      result = shut_down(process, candidate.socket.holders.front().fd, candidate.socket.cookie,
                         request.force ? Force::yes : Force::no, request.dry_run ? Act::no : Act::yes);
      why_not = result.why_not;
    }
    const std::string good = request.dry_run ? "would be shut down" : "shut down, now " + result.state;
    const bool fine = request.dry_run ? result.would : result.done;
    audit(request.pid, candidate, fine ? good : "left alone. " + why_not);
    done += fine ? 1U : 0U;
  }
  std::cout << fmt::format(
                   "{} of {} sockets {}. The descriptor numbers stay taken until the process closes them.\n",
                   done, candidates.size(), request.dry_run ? "would be shut down" : "shut down")
            << std::flush;
  return done == candidates.size() ? 0 : kCannot;
}

void raise_limit(const CloseRequest& request) {
  const LimitChange change =
      raise_descriptor_limit(request.pid, request.raise_limit, request.dry_run ? Act::no : Act::yes);
  if (request.raise_limit > 1024 && change.before <= 1024) {
    spdlog::warn("a program that uses select() must not get descriptors above 1023");
  }
  std::cout << fmt::format("{} pid {} limit of open descriptors {} {} (was {})\n", now_text(), request.pid,
                           request.dry_run ? "would be" : "is now", change.after, change.before)
            << std::flush;
}

int close_from_outside(const CloseRequest& request) {
  if (!request.picks_sockets() && request.raise_limit == 0) {
    throw Failure(kUsage,
                  "which sockets? --all-close-wait, --group, --port or --socket (see socktrack scan)");
  }
  const ProcessHandle process(request.pid);
  if (request.raise_limit != 0) raise_limit(request);
  return request.picks_sockets() ? shut_down_all(request, process) : 0;
}

void add_options(CLI::App& command, CloseRequest& request) {
  command.add_option("pid", request.pid, "The process")->required()->type_name("PID")->check(process_id());
  auto* which = command.add_option_group("which sockets");
  which->add_option("--socket", request.cookies, "By cookie, as scan --json and ss -e tell it")
      ->type_name("COOKIE");
  which->add_option("--group", request.group, "By what scan calls them")
      ->type_name("FINDING")
      ->check(CLI::IsMember({"eof_not_closed", "fin_unread", "data_unread", "inherited"}));
  which->add_option("--port", request.port, "By the port served, or the peer's port of outgoing ones")
      ->type_name("N")
      ->check(CLI::Range(1, 65535));
  which->add_flag("--all-close-wait", request.all, "All in CLOSE_WAIT");
  which->require_option(0, 1);
  command.add_flag("--dry-run,-n", request.dry_run, "Only tell what would be done");
  command.add_flag("--force", request.force, "Also with unread or unsent data, or held by other processes");
  add_duration(command, "--grace", request.grace_ns, "Leave alone what is dead for less (10s)");
  command.add_option("--raise-limit", request.raise_limit, "Raise its limit of open descriptors")
      ->type_name("N");
}

}  // namespace

void add_close_command(CLI::App& app, int& exit_status) {
  auto request = std::make_shared<CloseRequest>();
  CLI::App* command = app.add_subcommand("close", "Shut down dead sockets of a running process from outside");
  add_options(*command, *request);
  command->footer(
      "The peer gets its FIN, port and connection are free; the number stays the process's until it closes "
      "it.\n"
      "Example:\n"
      "  socktrack close $(pidof server) --group eof_not_closed --dry-run\n"
      "Exit status: 0 done, 1 some were left alone or there are none, 2 wrong usage.");
  command->callback([request, &exit_status] { exit_status = close_from_outside(*request); });
}

}  // namespace socktrack
