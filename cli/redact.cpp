#include "cli/redact.h"

#include <cctype>
#include <map>
#include <regex>
#include <string>

namespace socktrack {
namespace {

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1" || host == "::ffff:127.0.0.1" || host == "0.0.0.0" ||
         host == "::";
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

class Redactor {
 public:
  void host(std::string& text) {
    if (text.empty() || is_loopback(text)) return;
    text = looks_like_host(text) ? alias(hosts_, "host-", text) : alias(paths_, "socket-", text);
  }

  // "10.0.0.7:80", "[::1]:80"; anything else is the name of a UNIX socket.
  void endpoint(std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (text.empty()) return;
    if (colon == std::string::npos || !is_number(text.substr(colon + 1))) {
      text = alias(paths_, "socket-", text);
      return;
    }
    std::string name = text.substr(0, colon);
    if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
    if (is_loopback(name)) return;
    text = alias(hosts_, "host-", name) + text.substr(colon);
  }

  static void path(std::string& text) {
    static const std::regex home("/home/[^/]+");
    text = std::regex_replace(text, home, "/home/user");
  }

 private:
  static bool looks_like_host(const std::string& text) {
    return text.find_first_not_of("0123456789abcdefABCDEF.:%") == std::string::npos &&
           text.find_first_of(".:") != std::string::npos;
  }

  static std::string alias(std::map<std::string, std::string>& names, const char* prefix,
                           const std::string& of) {
    return names.try_emplace(of, prefix + std::to_string(names.size() + 1)).first->second;
  }

  std::map<std::string, std::string> hosts_, paths_;
};

void redact_stack(std::vector<Frame>& stack) {
  for (Frame& frame : stack) {
    Redactor::path(frame.module);
    Redactor::path(frame.file);
  }
}

void redact_group(LeakGroup& group, Redactor& redactor) {
  for (auto* stack : {&group.open_stack, &group.sighting_stack, &group.sibling_close_stack})
    redact_stack(*stack);
  for (SiblingClose& sibling : group.sibling_closes) redact_stack(sibling.stack);
  for (PeerCount& peer : group.peers) redactor.host(peer.address);
  for (SocketFacts& socket : group.sockets) {
    redactor.endpoint(socket.local);
    redactor.endpoint(socket.peer);
  }
  Redactor::path(group.hint);
}

}  // namespace

void redact(Report& report) {
  Redactor redactor;
  for (ProcessReport& process : report.processes) {
    Redactor::path(process.exe);
    process.recording.clear();
    for (auto* groups : {&process.groups, &process.open_at_exit, &process.closed_late}) {
      for (LeakGroup& group : *groups) redact_group(group, redactor);
    }
    for (Collected& each : process.collected) redact_stack(each.open_stack);
  }
  for (BlindSpotNote& note : report.notes) Redactor::path(note.what);
}

}  // namespace socktrack
