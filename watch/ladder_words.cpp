#include "watch/ladder_words.h"

namespace socktrack {
namespace {

struct Word {
  char name[16];
  char sentence[96];
};

// In the order of Refusal.
constexpr Word kRefusalWords[kRefusals] = {
    {"", ""},
    {"observing", "the rung is observe"},
    {"verdict_never", "this verdict is never acted on"},
    {"probe_only", "the program has not looked at it yet: only probed"},
    {"not_allowed", "its group was not allowed (--allow FINGERPRINT or all)"},
    {"off_ladder", "the program used a socket of this group after it had been acted on"},
    {"answers_later", "a half-close that is in use or may be: its client may be waiting for an answer"},
    {"too_young", "not idle long enough (--mitigate-after, or the patience that late closes have earned)"},
    {"not_short", "descriptors are not short (--mitigate-at)"},
    {"rate", "the rate is used up (--mitigate-rate)"},
    {"unread_data", "it holds data that the program has not read"},
    {"unsent_data", "it holds data that the peer has not taken"},
    {"wrong_state", "its connection is not over"},
    {"already_closed", "its connection is gone already, there is nothing to probe or finish"},
    {"duplicated", "the program has another descriptor of it"},
    {"other_process", "another process holds it too"},
    {"passed", "a copy was sent to another process"},
    {"inherited", "it came over a fork"},
    {"stdio", "it belongs to a FILE, and SIGPIPE would end the program"},
    {"listener", "it is a listener"},
    {"other_kind", "it is no TCP stream"},
    {"program_asked", "the program asked for it to be left alone"},
    {"thread_inside", "a thread is inside a call on it"},
    {"epoll_spins", "its event loop would be woken without end"},
    {"epoll_unknown", "it is in epoll sets that cannot be reached"},
    {"unseen_closes", "this program closes descriptors where no hook sees it"},
    {"changed", "it changed while we looked"},
    {"not_inspected",
     "who else uses it could not be asked: /proc is hidden, or a system call filter forbids to act"},
    {"no_dead_end", "waits for a first socket that is shut down on both sides"},
    {"marked", "is next"},
    {"failed", "the kernel refused"},
    {"done", "done"},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool parse_digits(std::string_view text, std::uint64_t most, std::uint64_t& number) {
  std::uint64_t n = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
    if (n > most) return false;
  }
  number = n;
  return !text.empty();
}

bool parse_fingerprint(std::string_view text, std::uint64_t& fingerprint) {
  if (text.size() != 16) return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!is_digit(c) && !letter) return false;
    value = (value << 4U) | static_cast<std::uint64_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  fingerprint = value;
  return value != 0;
}

}  // namespace

const char* name_of(Rung rung) {
  switch (rung) {
    case Rung::observe:
      return "observe";
    case Rung::probe:
      return "probe";
    case Rung::finish:
      return "finish";
    case Rung::park:
      return "park";
    case Rung::close:
      return "close";
  }
  return "?";  // a damaged recording
}

const char* name_of(Refusal refusal) {
  return kRefusalWords[static_cast<std::size_t>(refusal) % kRefusals].name;
}
const char* sentence_of(Refusal refusal) {
  return kRefusalWords[static_cast<std::size_t>(refusal) % kRefusals].sentence;
}

bool parse_rung(std::string_view text, Rung& rung) {
  for (std::uint32_t i = 0; i < kRungs; i++) {
    if (text != name_of(static_cast<Rung>(i))) continue;
    rung = static_cast<Rung>(i);
    return true;
  }
  return false;
}

bool parse_rate(std::string_view text, std::uint64_t& per_hour) {
  std::uint64_t factor = 3600;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    std::string_view unit = text;
    unit.remove_prefix(slash + 1);
    if (unit != "s" && unit != "m" && unit != "h") return false;
    factor = unit == "s" ? 3600 : unit == "m" ? 60 : 1;
    text = std::string_view(text.data(), slash);
  }
  std::uint64_t number = 0;
  if (!parse_digits(text, 1'000'000, number) || number == 0) return false;
  per_hour = number * factor;
  return true;
}

bool parse_percent(std::string_view text, std::uint8_t& percent) {
  if (text == "off") text = "0";
  if (text.ends_with('%')) text.remove_suffix(1);
  std::uint64_t number = 0;
  if (!parse_digits(text, 100, number)) return false;
  percent = static_cast<std::uint8_t>(number);
  return true;
}

bool parse_allowed(std::string_view text, LadderPolicy& policy) {
  LadderPolicy parsed;
  if (text == "all") {
    parsed.allow_all = true;
  } else {
    while (!text.empty()) {
      const std::size_t comma = text.find(',');
      const std::string_view word(text.data(), comma == std::string_view::npos ? text.size() : comma);
      text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
      if (word == "all") {
        parsed.allow_all = true;
        continue;
      }
      if (parsed.allowed_count == kMaxAllowed ||
          !parse_fingerprint(word, parsed.allowed[parsed.allowed_count])) {
        return false;
      }
      parsed.allowed_count++;
    }
    if (allows_nothing(parsed)) return false;
  }
  policy.allow_all = parsed.allow_all;
  policy.allowed_count = parsed.allowed_count;
  for (std::uint32_t i = 0; i < kMaxAllowed; i++) policy.allowed[i] = parsed.allowed[i];
  return true;
}

bool allows_nothing(const LadderPolicy& policy) { return !policy.allow_all && policy.allowed_count == 0; }

}  // namespace socktrack
