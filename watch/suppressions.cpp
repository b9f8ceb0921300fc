#include "watch/suppressions.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "watch/own_code.h"
#include "watch/report_builder.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

constexpr std::size_t kLargestFile = 1024UL * 1024;
constexpr std::string_view kBlanks = " \t\r\v\f";

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Bytes of a file go into messages, and those to a terminal.
std::string quoted(std::string_view text) {
  std::string safe(text.substr(0, 80));
  for (char& c : safe) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + safe + (text.size() > 80 ? "..." : "") + "'";
}

// The next word of `line`, which loses it; none at its end or at a comment. Quotes keep blanks together and
// are taken off.
std::optional<std::string> next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  if (line.empty() || line.starts_with('#')) return std::nullopt;
  std::string word;
  bool is_quoted = false;
  std::size_t at = 0;
  for (; at < line.size() && (is_quoted || kBlanks.find(line[at]) == std::string_view::npos); ++at) {
    if (line[at] == '"') {
      is_quoted = !is_quoted;
    } else {
      word += line[at];
    }
  }
  if (is_quoted) throw SuppressionError("a \" is not closed");
  line.remove_prefix(at);
  return word;
}

bool calls(const std::vector<Frame>& stack, const std::string& glob) {
  return std::any_of(stack.begin(), stack.end(), [&](const Frame& frame) {
    return !frame.function.empty() &&
           (matches_glob(glob, frame.function) || matches_glob(glob, without_parameters(frame.function)));
  });
}

bool passes_through(const std::vector<Frame>& stack, const std::string& glob) {
  return std::any_of(stack.begin(), stack.end(), [&](const Frame& frame) {
    return !frame.module.empty() &&
           (matches_glob(glob, base_name(frame.module)) || matches_glob(glob, frame.module));
  });
}

// "[::1]:80" is "::1" and "80", "127.0.0.1:80" is "127.0.0.1" and "80"; a UNIX name has no port.
struct Name {
  std::string address, port;
};
Name split(const std::string& endpoint) {
  const auto colon = endpoint.rfind(':');
  if (colon == std::string::npos || endpoint.starts_with('/')) return {endpoint, ""};
  std::string address = endpoint.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return {address, endpoint.substr(colon + 1)};
}

bool has_peer(const SocketFacts& socket, const std::string& glob) {
  const std::string address = split(socket.peer).address;
  // An IPv4 peer of an IPv6 socket (the usual kind in Java): people write it as IPv4.
  constexpr std::string_view kMapped = "::ffff:";
  return matches_glob(glob, address) ||
         (address.starts_with(kMapped) && matches_glob(glob, address.substr(kMapped.size())));
}

bool has_port(const SocketFacts& socket, const std::string& glob) {
  return matches_glob(glob, split(socket.local).port) || matches_glob(glob, split(socket.peer).port);
}

template <typename Holds>
bool all_sockets(const LeakGroup& group, Holds holds) {
  return !group.sockets.empty() && std::all_of(group.sockets.begin(), group.sockets.end(), holds);
}

bool is_verdict(std::string_view glob) {
  for (auto i = static_cast<int>(Verdict::eof_not_closed); i <= static_cast<int>(Verdict::half_open_peer);
       ++i) {
    if (matches_glob(glob, name_of(static_cast<Verdict>(i)))) return true;
  }
  return false;
}

class File {
 public:
  // O_NONBLOCK: a FIFO must not hang whoever asks.
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  // False, with errno, if it cannot be read to its end.
  bool read_all(std::string& text) const {
    struct stat facts {};
    if (fd_ < 0 || ::fstat(fd_, &facts) != 0) return false;
    errno = S_ISDIR(facts.st_mode) ? EISDIR : EINVAL;
    if (!S_ISREG(facts.st_mode)) return false;
    char piece[4096];
    ssize_t got = 0;
    while ((got = ::read(fd_, piece, sizeof piece)) != 0) {
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return false;
      text.append(piece, static_cast<std::size_t>(got));
      errno = EFBIG;
      if (text.size() > kLargestFile) return false;
    }
    return true;
  }

 private:
  int fd_;
};

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0, t = 0, star = none, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != none) {  // the last star takes one character more
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Suppressions::Key Suppressions::key_of(std::string_view word) {
  if (word == "frame") return Key::frame;
  if (word == "module") return Key::module;
  if (word == "verdict") return Key::verdict;
  if (word == "peer") return Key::peer;
  if (word == "port") return Key::port;
  if (word == "fingerprint") return Key::fingerprint;
  throw SuppressionError(quoted(word) + " is none of frame, module, verdict, peer, port, fingerprint");
}

Suppressions::Term Suppressions::term_of(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos) throw SuppressionError(quoted(word) + " is not of the form key:glob");
  Term term{key_of(word.substr(0, colon)), std::string(word.substr(colon + 1))};
  if (term.glob.empty()) throw SuppressionError("nothing stands after " + quoted(word));
  if (term.key == Key::verdict && !is_verdict(term.glob))
    throw SuppressionError("no verdict is called " + quoted(term.glob));
  if (term.key == Key::port && term.glob.find_first_not_of("0123456789*?") != std::string::npos)
    throw SuppressionError(quoted(term.glob) + " is no port");
  return term;
}

Suppressions::Rule Suppressions::rule_of(std::string_view line) {
  Rule rule;
  for (auto word = next_word(line); word; word = next_word(line)) {
    rule.name += (rule.terms.empty() ? "" : " ") + *word;
    rule.terms.push_back(term_of(*word));
  }
  return rule;
}

void Suppressions::add_rules(std::string_view text, const std::string& source) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string place = source + ":" + std::to_string(number);
    try {
      Rule rule = rule_of(line);
      if (rule.terms.empty()) continue;
      rule.name = place + " (" + rule.name + ")";
      rules_.push_back(std::move(rule));
    } catch (const SuppressionError& error) {
      throw SuppressionError(place + ": " + error.what());
    }
  }
}

void Suppressions::add_file(const std::string& path) {
  std::string text;
  if (!File(path).read_all(text))
    throw SuppressionError("the suppressions " + quoted(path) + " cannot be read: " + std::strerror(errno));
  add_rules(text, path);
}

void Suppressions::add_ignored(std::string_view list) {
  while (!list.empty()) {
    const std::string_view each = list.substr(0, list.find(','));
    list.remove_prefix(std::min(each.size() + 1, list.size()));
    if (each.empty()) continue;
    rules_.push_back({"--ignore " + std::string(each), {{Key::fingerprint, std::string(each)}}});
  }
}

bool Suppressions::holds(const Term& term, const LeakGroup& group) {
  switch (term.key) {
    case Key::frame:
      return calls(group.open_stack, term.glob) || calls(group.sighting_stack, term.glob);
    case Key::module:
      return passes_through(group.open_stack, term.glob) || passes_through(group.sighting_stack, term.glob);
    case Key::verdict:
      return matches_glob(term.glob, name_of(group.verdict));
    case Key::peer:
      return all_sockets(group, [&](const SocketFacts& each) { return has_peer(each, term.glob); });
    case Key::port:
      return all_sockets(group, [&](const SocketFacts& each) { return has_port(each, term.glob); });
    case Key::fingerprint:
      return matches_glob(term.glob, group.fingerprint);
  }
  return false;
}

bool Suppressions::meets(const Rule& rule, const LeakGroup& group) {
  return std::all_of(rule.terms.begin(), rule.terms.end(),
                     [&](const Term& term) { return holds(term, group); });
}

// The first rule that meets a group takes it, and every one that does counts as used.
void Suppressions::move_suppressed(std::vector<LeakGroup>& from, ProcessReport& process,
                                   std::vector<bool>& used) const {
  std::erase_if(from, [&](LeakGroup& group) {
    const Rule* by = nullptr;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (!meets(rules_[i], group)) continue;
      used[i] = true;
      if (by == nullptr) by = &rules_[i];
    }
    if (by == nullptr) return false;
    process.suppressed.push_back({std::move(group), by->name});
    return true;
  });
}

void Suppressions::apply(Report& report) const {
  std::vector<bool> used(rules_.size(), false);
  for (ProcessReport& process : report.processes) {
    move_suppressed(process.groups, process, used);
    move_suppressed(process.open_at_exit, process, used);
    process.leaked = leaks_in(process.groups);
  }
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (!used[i])
      report.notes.push_back({"unused_suppression", 1, "Nothing is suppressed by " + rules_[i].name + "."});
  }
}

}  // namespace socktrack
