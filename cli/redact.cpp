#include "cli/redact.h"

#include <arpa/inet.h>

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

bool is_address(const std::string& text) {
  char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

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

  // Names of threads and pools are chosen by programs, and some choose that of the host they talk to.
  void name(std::string& text) {
    static const std::regex pattern(R"(\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})");
    std::string hidden;
    auto from = text.cbegin();
    for (std::sregex_iterator each(text.begin(), text.end(), pattern), end; each != end; ++each) {
      std::string found = each->str();
      const bool is_part = each->suffix().length() > 0 && is_word((*each)[0].second[0]);  // "f::x"
      if (is_address(found) && !is_part) host(found);
      hidden.append(from, (*each)[0].first).append(found);
      from = (*each)[0].second;
    }
    text = hidden.append(from, text.cend());
  }

  // "quiet.txt:7 (peer:10.0.*)"
  static void rule(std::string& text) {
    static const std::regex peer(R"RX(peer:(?:"[^"]*"|[^ )]+))RX");
    text = std::regex_replace(text, peer, "peer:(hidden)");
    path(text);
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

void redact_group(LeakGroup& group, Redactor& redactor) {
  for (auto* stack : {&group.open_stack, &group.sighting_stack, &group.sibling_close_stack})
    redact_stack(*stack);
  for (SiblingClose& sibling : group.sibling_closes) redact_stack(sibling.stack);
  for (PeerCount& peer : group.peers) redactor.host(peer.address);
  for (SocketFacts& socket : group.sockets) {
    redactor.endpoint(socket.local);
    redactor.endpoint(socket.peer);
  }
  for (auto* names : {&group.threads, &group.pools}) {
    for (std::string& each : *names) redactor.name(each);
  }
  EvidenceFacts& evidence = group.evidence;
  for (auto* name :
       {&group.thread, &evidence.holder, &evidence.worker, &evidence.doing, &evidence.threads_now})
    redactor.name(*name);
  Redactor::path(group.hint);
}

}  // namespace

void redact_stack(std::vector<Frame>& stack) {
  for (Frame& frame : stack) {
    Redactor::path(frame.module);
    Redactor::path(frame.file);
  }
}

void redact(Report& report) {
  Redactor redactor;
  for (ProcessReport& process : report.processes) {
    Redactor::path(process.exe);
    process.recording.clear();
    for (auto* groups : {&process.groups, &process.open_at_exit, &process.closed_late}) {
      for (LeakGroup& group : *groups) redact_group(group, redactor);
    }
    for (SuppressedGroup& each : process.suppressed) {
      redact_group(each.group, redactor);
      Redactor::rule(each.rule);
    }
    for (Collected& each : process.collected) redact_stack(each.open_stack);
  }
  for (BlindSpotNote& note : report.notes) Redactor::rule(note.what);
}

}  // namespace socktrack
