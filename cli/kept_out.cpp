#include "cli/kept_out.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include "cli/live_recordings.h"
#include "cli/process_facts.h"
#include "watch/options.h"

namespace socktrack {
namespace {

// As it was at exec.
class Environment {
 public:
  explicit Environment(int pid) {
    std::ifstream file(proc_file(pid, "environ"), std::ios::binary);
    text_.assign(std::istreambuf_iterator<char>(file), {});
  }

  std::string_view value_of(const std::string& name) const {
    const std::string wanted = '\0' + name + '=';
    const auto at = ('\0' + text_).find(wanted);
    if (at == std::string::npos) return "";
    return std::string_view(text_.c_str() + at + wanted.size() - 1);
  }

  std::uint32_t number_of(const std::string& name) const {
    const std::string_view text = value_of(name);
    std::uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }

 private:
  std::string text_;
};

std::string pid_namespace_of(std::uint32_t pid) {
  std::error_code unknown;
  return std::filesystem::read_symlink(proc_file(static_cast<int>(pid), "ns/pid"), unknown).string();
}

// As the /proc of its own PID namespace tells it: nobody is above the first process there.
StatusFacts facts_within(std::uint32_t pid) {
  StatusFacts facts = status_facts(pid);
  if (facts.parent == 0) return facts;
  const std::string above = pid_namespace_of(facts.parent);
  if (!above.empty() && above != pid_namespace_of(pid)) facts.parent = 0;
  return facts;
}

}  // namespace

const char* const kWhyKeptOut =
    "It runs behind a seccomp filter that is not known for one of a container or a unit: the library does "
    "nothing there, because a call that the filter forbids could end the program. If it allows what ordinary "
    "programs do, set SOCKTRACK_INHERITED_FILTER=trust.";

StatusFacts status_facts(std::uint32_t pid) {
  std::ifstream file(proc_file(static_cast<int>(pid), "status"));
  StatusReader reader;
  for (std::string line; !reader.is_complete() && std::getline(file, line);) {
    line += '\n';
    reader.take(line.data(), line.size(), line.size() + 1);
  }
  return reader.facts();
}

bool is_kept_out(int pid) {
  const StatusFacts own = facts_within(static_cast<std::uint32_t>(pid));
  if (own.pid == 0 || own.filters == 0) return false;
  const Environment environment(pid);
  FilterTrust trust = FilterTrust::judge;
  parse_filter_trust(environment.value_of("SOCKTRACK_INHERITED_FILTER"), trust);
  if (trust != FilterTrust::judge) return trust == FilterTrust::avoid;
  const FilterAuthority authority{environment.number_of("SYSTEMD_EXEC_PID"),
                                  environment.number_of("SOCKTRACK_ROOT_PID")};
  const auto is_there = [pid](const char* path) {
    std::error_code unknown;
    return std::filesystem::exists(proc_file(pid, "root") + path, unknown);
  };
  return !is_trusted(origin_of_filter(own, authority, facts_within), is_there);
}

bool is_kept_out_unrecorded(int pid) { return is_kept_out(pid) && live_recording_in(pid).path.empty(); }

}  // namespace socktrack
