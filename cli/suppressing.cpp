#include "cli/suppressing.h"

#include <cstdlib>

#include "cli/commands.h"
#include "cli/failure.h"

namespace socktrack {
namespace {

void set(Options& options, const std::string& option, const char* variable, const std::string& given) {
  const char* inherited = std::getenv(variable);
  const std::string text = !given.empty() || inherited == nullptr ? given : inherited;
  if (text.empty()) return;
  if (const char* wrong = set_option(options, option, text))
    throw Failure(kUsage, (given.empty() ? variable : "--" + option) + ": '" + text + "' " + wrong);
}

}  // namespace

Suppressions suppressions_of(const Options& options) {
  Suppressions suppressions;
  try {
    if (options.suppress[0] != '\0') suppressions.add_file(options.suppress);
  } catch (const SuppressionError& error) {
    throw Failure(kUsage, error.what());
  }
  suppressions.add_ignored(options.ignore);
  return suppressions;
}

Suppressions suppressions_of(const std::string& file, const std::vector<std::string>& ignored) {
  std::string list;
  for (const std::string& each : ignored) list += (list.empty() ? "" : ",") + each;
  Options options;
  set(options, "suppress", "SOCKTRACK_SUPPRESS", file);
  set(options, "ignore", "SOCKTRACK_IGNORE", list);
  return suppressions_of(options);
}

}  // namespace socktrack
