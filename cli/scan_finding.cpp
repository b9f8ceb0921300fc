#include "cli/scan_finding.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "cli/kept_out.h"

namespace socktrack {
namespace {

constexpr std::uint32_t kFin = 1;  // an unread FIN counts as a byte of Recv-Q
// Alerts of TLS 1.2 (AES-GCM) and 1.3, and the ClientHello that OpenSSL sends.
constexpr std::uint32_t kCloseNotify12 = 31, kCloseNotify13 = 24, kClientHello = 517;

bool is_close_notify(std::uint32_t bytes) { return bytes == kCloseNotify12 || bytes == kCloseNotify13; }

ScanFinding by_queue(const DeadSocket& socket) {
  if (socket.family == AF_UNIX) return socket.recv_q > 0 ? ScanFinding::data_unread : ScanFinding::peer_gone;
  if (socket.recv_q == 0) return ScanFinding::eof_not_closed;
  const bool only_the_end = socket.recv_q == kFin || is_close_notify(socket.recv_q - kFin);
  return only_the_end ? ScanFinding::fin_unread : ScanFinding::data_unread;
}

// A half-closed peer still gets its answer: bytes are on the way, or the program wrote just now.
bool is_sending(const DeadSocket& socket, double grace_s) {
  return socket.send_q > 0 || (socket.has_sent && socket.last_data_sent_ms < grace_s * 1000);
}

std::string how_to_name_the_line(const ScanProcess& process, const Preflight& preflight) {
  if (process.kept_out) return kWhyKeptOut;
  if (process.tracked) return "It is tracked: `socktrack report` names the line.";
  if (preflight.answer == Preflight::Answer::no) {
    return fmt::format("The library cannot be put into it ({}) Look at its threads: --stacks.",
                       preflight.reason.empty() ? "see socktrack check" : preflight.reason);
  }
  return fmt::format(
      "Start it under `socktrack run -- {}`: the report names the line. Until then: `socktrack close {}`.",
      process.name, process.pid);
}

std::string for_unread_end(const ScanProcess& process, const ScanGroup& group) {
  if (group.in_epoll > 0) {
    return "An epoll set watches them, and nobody has read: see what its threads are doing (--stacks).";
  }
  if (!group.inbound) {
    return "An idle pool that is not checked while idle? Give it an idle timeout or an evictor; it heals "
           "when "
           "the connection is used again.";
  }
  return fmt::format(
      "Nobody watches them: {} forgot them, its threads are busy elsewhere, or interest in "
      "reading was never registered.",
      process.name);
}

std::string for_unread_data(const ScanGroup& group) {
  if (!group.note.empty()) return "The TLS handshake was never started: no worker took the connection.";
  return "The worker is stuck, or the answer was not read to its end: see its threads (--stacks).";
}

std::string for_inherited(const ScanGroup& group) {
  return fmt::format(
      "Also held by {} {}: close the copy after fork, or open with CLOEXEC. The connection ends "
      "when the last copy is closed.",
      group.other_holders.size() == 1 ? "process" : "processes", fmt::join(group.other_holders, ", "));
}

}  // namespace

const char* name_of(ScanFinding finding) {
  static constexpr const char* names[] = {"eof_not_closed", "fin_unread", "data_unread", "never_accepted",
                                          "inherited",      "peer_gone",  "unconnected", "unowned",
                                          "sending",        "young"};
  return names[static_cast<std::size_t>(finding)];
}

const char* sentence_of(ScanFinding finding) {
  static constexpr const char* sentences[] = {
      "the end of stream was read, and the socket not closed",
      "the peer closed, and nobody has looked",
      "the peer closed, and its last data was not read",
      "the peer closed before the program accepted",
      "the peer closed, and several processes hold the socket",
      "the peer is gone (UNIX sockets do not tell whether that was read)",
      "TCP sockets without a connection: never connected, failed, or reset",
      "the peer closed; held by no process that could be looked at",
      "the peer closed its half, and the program still sends: no leak",
      "the peer closed a moment ago: nothing to say yet"};
  return sentences[static_cast<std::size_t>(finding)];
}

bool is_trouble(ScanFinding finding) {
  return finding != ScanFinding::sending && finding != ScanFinding::young;
}

ScanFinding finding_of(const DeadSocket& socket, std::size_t holders, double grace_s) {
  if (is_sending(socket, grace_s)) return ScanFinding::sending;
  if (socket.has_times && socket.last_ack_recv_ms < grace_s * 1000) return ScanFinding::young;
  if (socket.inode == 0) return ScanFinding::never_accepted;
  if (holders == 0) return ScanFinding::unowned;
  if (holders > 1) return ScanFinding::inherited;
  return by_queue(socket);
}

std::string note_of(ScanFinding finding, const DeadSocket& socket) {
  if (socket.family == AF_UNIX || socket.recv_q <= kFin) return "";
  if (finding == ScanFinding::fin_unread) return "TLS close_notify";
  return finding == ScanFinding::data_unread && socket.recv_q - kFin == kClientHello ? "TLS ClientHello" : "";
}

std::string advice_for(const ScanProcess& process, const ScanGroup& group, const Preflight& preflight) {
  switch (group.finding) {
    case ScanFinding::eof_not_closed:
    case ScanFinding::peer_gone:
    case ScanFinding::unconnected:
      return how_to_name_the_line(process, preflight);
    case ScanFinding::fin_unread:
      return for_unread_end(process, group);
    case ScanFinding::data_unread:
      return for_unread_data(group);
    case ScanFinding::never_accepted:
      return "No leak: the accept loop is stalled. See what its threads are doing (--stacks).";
    case ScanFinding::inherited:
      return for_inherited(group);
    case ScanFinding::unowned:
      return "In flight between processes, in an io_uring, or in a process that only its owner or root may "
             "look "
             "into.";
    case ScanFinding::sending:
    case ScanFinding::young:
      break;
  }
  return "";
}

std::string limit_advice(const ScanProcess& process) {
  if (process.fds_limit == 0 || process.fds_open * 10 < process.fds_limit * 8) return "";
  return fmt::format(
      "Descriptors run short: `socktrack close {} --raise-limit NUMBER` raises the limit while it runs.",
      process.pid);
}

}  // namespace socktrack
