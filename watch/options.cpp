#include "watch/options.h"

#include <cstring>

#include "watch/ladder_words.h"

namespace socktrack {

namespace {

constexpr std::uint64_t kYear_ns = 365ULL * 24 * 3600 * 1'000'000'000;
constexpr std::string_view kPrefix = "SOCKTRACK_";

constexpr const char* kNoDuration = "is not a duration like 500ms, 2s, 10m or 1h, of at most a year";
constexpr const char* kNoSwitch = "is not one of on, off, yes, no, true, false, 1, 0";
constexpr const char* kNoPath = "is not a path of 1 to 1023 bytes";
constexpr const char* kNoRung = "is not one of observe, probe, finish, park, close";
constexpr const char* kNoRate = "is not a rate like 10/s, 100/m or 600/h";
constexpr const char* kNoPercent = "is not a share like 80%";
constexpr const char* kNoGroups =
    "is neither all nor up to 32 fingerprints of 16 hex digits with commas between";
constexpr const char* kNoStatus = "is neither an exit status from 1 to 255 nor on or off";
constexpr const char* kNoLog = "is not one of stderr, syslog, off, or a path with a / like ./socktrack.log";
constexpr const char* kNoFingerprints =
    "is not a list of fingerprints (up to 16 hex digits, * and ?) with commas between, of 1 to 1023 bytes";
constexpr const char* kNoTrust = "is not one of judge, trust, avoid";
constexpr const char* kNoPid = "is not a process id";
constexpr const char* kUnknown = "is not a setting of socktrack";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number of digits `text` starts with. substr() and at() are not used here: they can throw.
std::size_t digits_at(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  return n;
}

bool parse_number(std::string_view text, std::uint64_t most, std::uint64_t& number) {
  if (text.empty() || digits_at(text) != text.size()) return false;
  std::uint64_t n = 0;
  for (const char c : text) {
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
    if (n > most) return false;
  }
  number = n;
  return true;
}

// Nanoseconds in a unit of time, 0 if there is no such unit.
std::uint64_t unit_ns(std::string_view unit) {
  if (unit.empty() || unit == "s") return 1'000'000'000;
  if (unit == "ms") return 1'000'000;
  if (unit == "m") return 60'000'000'000;
  if (unit == "h") return 3'600'000'000'000;
  return 0;
}

const char* set_duration(std::uint64_t& field, std::string_view text) {
  return parse_duration(text, field) ? nullptr : kNoDuration;
}

bool parse_switch(std::string_view text, bool& on) {
  if (text == "on" || text == "yes" || text == "true" || text == "1") {
    on = true;
    return true;
  }
  if (text == "off" || text == "no" || text == "false" || text == "0") {
    on = false;
    return true;
  }
  return false;
}

const char* set_switch(bool& field, std::string_view text) {
  return parse_switch(text, field) ? nullptr : kNoSwitch;
}

template <std::size_t N>
const char* set_path(char (&field)[N], std::string_view text) {
  if (text.empty() || text.size() >= N || text.find('\0') != std::string_view::npos) return kNoPath;
  std::memcpy(field, text.data(), text.size());
  field[text.size()] = '\0';
  return nullptr;
}

// A number is the status itself, so "1" is status 1; a bare --fail-on-leak comes as "".
const char* set_fail_on_leak(Options& options, std::string_view text) {
  std::uint64_t status = 0;
  if (parse_number(text, 255, status) && status != 0) {
    options.fail_on_leak = true;
    options.fail_status = static_cast<std::uint8_t>(status);
    return nullptr;
  }
  bool on = true;
  if (!text.empty() && !parse_switch(text, on)) return kNoStatus;
  options.fail_on_leak = on;
  return nullptr;
}

const char* set_log(Options& options, std::string_view text) {
  if (text == "stderr") {
    options.log_to = LogTo::standard_error;
  } else if (text == "syslog") {
    options.log_to = LogTo::syslog;
  } else if (text == "off") {
    options.log_to = LogTo::off;
  } else {
    if (text.find('/') == std::string_view::npos) return kNoLog;
    if (const char* wrong = set_path(options.log_file, text)) return wrong;
    options.log_to = LogTo::file;
  }
  return nullptr;
}

bool is_fingerprint_glob(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c) && !(c >= 'a' && c <= 'f') && c != '*' && c != '?') return false;
  }
  return !text.empty() && text.size() <= 16;
}

template <std::size_t N>
const char* set_fingerprints(char (&field)[N], std::string_view text) {
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    if (!is_fingerprint_glob(std::string_view(rest.data(), more ? comma : rest.size())))
      return kNoFingerprints;
    if (more) rest.remove_prefix(comma + 1);
  }
  return set_path(field, text) == nullptr ? nullptr : kNoFingerprints;
}

const char* set_trust(FilterTrust& field, std::string_view text) {
  return parse_filter_trust(text, field) ? nullptr : kNoTrust;
}

const char* set_pid(std::uint32_t& field, std::string_view text) {
  std::uint64_t pid = 0;
  if (!parse_number(text, INT32_MAX, pid)) return kNoPid;
  field = static_cast<std::uint32_t>(pid);
  return nullptr;
}

// "MITIGATE_AFTER" is the option "mitigate-after". False if it does not fit, so is no option of ours.
bool option_of_variable(std::string_view variable, char (&name)[32], std::size_t& length) {
  if (variable.size() >= sizeof name) return false;
  for (std::size_t i = 0; i < variable.size(); ++i) {
    const char c = variable[i];
    if (c != '_' && !(c >= 'A' && c <= 'Z')) return false;
    name[i] = c == '_' ? '-' : static_cast<char>(c - 'A' + 'a');
  }
  length = variable.size();
  return true;
}

// Variables with our prefix that are no settings: the command's way to find the library, and what
// belongs to our build and tests.
bool is_no_setting(std::string_view variable) {
  return variable == "LIBRARY" || variable == "SANITIZE" || variable.starts_with("TEST_");
}

const char* set_from_variable(Options& options, std::string_view variable, std::string_view text) {
  char name[32];
  std::size_t length = 0;
  if (!option_of_variable(variable, name, length)) return kUnknown;
  return set_option(options, std::string_view(name, length), text);
}

}  // namespace

const OptionName kOptionNames[] = {
    {"grace", "DURATION", "No progress for so long before it is a leak (10s)"},
    {"interval", "DURATION", "Time between two looks (a quarter of the grace)"},
    {"output", "DIR", "Keep the recordings there"},
    {"json", "FILE", "Write the report as JSON to FILE at exit"},
    {"fail-on-leak", "STATUS", "Exit status if it succeeded but leaked (23)"},
    {"suppress", "FILE", "Groups that a rule of FILE meets are no leaks"},
    {"ignore", "FINGERPRINT,...", "... nor are groups with these; * and ? are wild"},
    {"follow-children", "on|off", "Track the processes it starts as well (on)"},
    {"mitigate", "RUNG", "observe, probe, finish, park or close leaked ones"},
    {"allow", "FINGERPRINT,...|all", "... of these groups (none)"},
    {"mitigate-after", "DURATION", "... after no progress for so long (10m)"},
    {"mitigate-at", "PERCENT", "... while so many descriptors are open (always)"},
    {"mitigate-rate", "N/s|N/m|N/h", "... at most so many (10/s)"},
    {"inherited-filter", "judge|trust|avoid", "A seccomp filter that was there first (judge)"},
    {"raise-limit", "on|off", "Soft limit of files to the hard one at start (off)"},
    {"watcher", "on|off", "The thread that looks at the sockets (on)"},
    {"log", "stderr|syslog|off|PATH", "Where the library writes its messages (stderr)"},
    {nullptr, nullptr, nullptr},
};

bool parse_filter_trust(std::string_view text, FilterTrust& trust) {
  if (text != "judge" && text != "trust" && text != "avoid") return false;
  trust = text[0] == 'j' ? FilterTrust::judge : text[0] == 't' ? FilterTrust::trust : FilterTrust::avoid;
  return true;
}

bool parse_duration(std::string_view text, std::uint64_t& nanoseconds) {
  const std::size_t whole = digits_at(text);
  std::string_view rest = text;
  rest.remove_prefix(whole);
  std::string_view fraction;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    fraction = std::string_view(rest.data(), digits_at(rest));
    if (fraction.empty()) return false;
    rest.remove_prefix(fraction.size());
  }
  std::uint64_t scale = unit_ns(rest);
  std::uint64_t n = 0;
  if (scale == 0 || !parse_number(std::string_view(text.data(), whole), kYear_ns / scale, n)) return false;
  n *= scale;
  for (const char c : fraction) {
    scale /= 10;  // digits below a nanosecond count nothing
    n += static_cast<std::uint64_t>(c - '0') * scale;
  }
  if (n > kYear_ns) return false;
  nanoseconds = n;
  return true;
}

const char* set_option(Options& options, std::string_view name, std::string_view text) {
  if (name == "grace") return set_duration(options.grace_ns, text);
  if (name == "interval") return set_duration(options.interval_ns, text);
  if (name == "mitigate") return parse_rung(text, options.ladder.rung) ? nullptr : kNoRung;
  if (name == "mitigate-after") return set_duration(options.ladder.after_ns, text);
  if (name == "mitigate-at") return parse_percent(text, options.ladder.at_percent) ? nullptr : kNoPercent;
  if (name == "mitigate-rate") return parse_rate(text, options.ladder.per_hour) ? nullptr : kNoRate;
  if (name == "allow") return parse_allowed(text, options.ladder) ? nullptr : kNoGroups;
  if (name == "inherited-filter") return set_trust(options.inherited_filter, text);
  if (name == "raise-limit") return set_switch(options.raise_limit, text);
  if (name == "follow-children") return set_switch(options.follow_children, text);
  if (name == "watcher") return set_switch(options.watcher, text);
  if (name == "fail-on-leak") return set_fail_on_leak(options, text);
  if (name == "log") return set_log(options, text);
  if (name == "output") return set_path(options.output, text);
  if (name == "json") return set_path(options.json, text);
  if (name == "suppress") return set_path(options.suppress, text);
  if (name == "ignore") return set_fingerprints(options.ignore, text);
  if (name == "hosted") return set_switch(options.hosted, text);
  if (name == "root-pid") return set_pid(options.root_pid, text);
  return kUnknown;
}

void options_from_environment(Options& options, char** environment, Complaint complain) {
  if (environment == nullptr) return;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string_view variable(entry.data(), equals);
    std::string_view value = entry;
    value.remove_prefix(equals + 1);
    // Set but empty is how compose files and unit files spell "not set".
    if (value.empty()) continue;
    std::string_view setting = variable;
    setting.remove_prefix(kPrefix.size());
    if (is_no_setting(setting)) continue;
    const char* wrong = set_from_variable(options, setting, value);
    if (wrong != nullptr && complain != nullptr) complain(variable, value, wrong);
  }
}

std::uint64_t sweep_interval_ns(const Options& options) {
  constexpr std::uint64_t least = 100'000'000, most = 1'000'000'000;
  if (options.interval_ns != 0) return options.interval_ns;
  const std::uint64_t quarter = options.grace_ns / 4;
  return quarter < least ? least : quarter > most ? most : quarter;
}

}  // namespace socktrack
