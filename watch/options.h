// Every setting of socktrack, parsed in one place for the command line and for the environment
// (`--grace 2s` and SOCKTRACK_GRACE=2s are the same thing).
//
// The library calls this from its constructor inside somebody else's program: no allocation, no
// exception, no locale, no static destructor. Strings are fixed arrays; a value that does not fit is
// an error like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "socktrack/ladder.h"

namespace socktrack {

// What to do behind a seccomp filter that was there before the program (watch/inherited_filter.h).
enum class FilterTrust : std::uint8_t { judge, trust, avoid };

enum class LogTo : std::uint8_t { standard_error, file, syslog, off };

struct Options {
  std::uint64_t grace_ns = 10'000'000'000;  // no progress for so long before a verdict is spoken
  std::uint64_t interval_ns = 0;            // between sweeps; 0 = derived, see sweep_interval_ns()
  LadderPolicy ladder;                      // mitigate, mitigate-after, mitigate-at, mitigate-rate, allow
  bool raise_limit = false;                 // soft RLIMIT_NOFILE to the hard one, at load
  bool follow_children = true;
  bool watcher = true;  // the thread inside the program
  bool fail_on_leak = false;
  std::uint8_t fail_status = 23;
  FilterTrust inherited_filter = FilterTrust::judge;
  LogTo log_to = LogTo::standard_error;
  char output[1024] = {};      // directory of the recordings; "" = choose one
  char json[1024] = {};        // file of the JSON report at exit; "" = none
  char log_file[1024] = {};    // if log_to is file
  char suppress[1024] = {};    // file of rules (watch/suppressions.h); "" = none
  char ignore[1024] = {};      // fingerprints or globs of them, with commas between
  bool hosted = false;         // SOCKTRACK_HOSTED=1: `socktrack run` prints the report
  std::uint32_t root_pid = 0;  // SOCKTRACK_ROOT_PID: the process `run` started, 0 = none
};

// One setting that can be given by a user. `name` is the command-line form without dashes
// ("mitigate-after"); the environment form is SOCKTRACK_ + upper case with '_' for '-'.
struct OptionName {
  const char* name;
  const char* value;  // what to show in help: "DURATION", "on|off"
  const char* help;
};

// All settings, for help texts, tests and the loop over the environment. Ends with name == nullptr.
extern const OptionName kOptionNames[];

// Sets the option `name` from `text`. Returns nullptr, or a static sentence saying what is wrong with
// the value ("is not a duration like 500ms, 2s, 10m or 1h"). Never changes `options` on error.
const char* set_option(Options& options, std::string_view name, std::string_view text);

// True if groups may be suppressed: then only a report, which has names, can tell what counts as leaked.
inline bool has_suppressions(const Options& options) {
  return options.suppress[0] != '\0' || options.ignore[0] != '\0';
}

// Takes over every SOCKTRACK_* variable of `environment` (a NULL-terminated array like environ).
// Each bad value, and each unknown SOCKTRACK_ variable, is told to `complain` (variable, value,
// sentence) and leaves the default in place. `complain` may be nullptr.
using Complaint = void (*)(std::string_view variable, std::string_view value, const char* what);
void options_from_environment(Options& options, char** environment, Complaint complain);

// "judge", "trust", "avoid". False if it is none of them. Makes no system call.
bool parse_filter_trust(std::string_view text, FilterTrust& trust);

// "0", "500ms", "2s", "1.5s", "10m", "1h"; a bare number is seconds. False if it is none of these or
// more than a year.
bool parse_duration(std::string_view text, std::uint64_t& nanoseconds);

// The time between two sweeps: as asked, else a quarter of the grace within [100 ms, 1 s].
std::uint64_t sweep_interval_ns(const Options& options);

}  // namespace socktrack
