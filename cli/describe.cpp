#include "cli/describe.h"

#include <fmt/format.h>

namespace socktrack {
namespace {

const char* headline(Preflight::Answer answer) {
  switch (answer) {
    case Preflight::Answer::yes:
      return "will work";
    case Preflight::Answer::no:
      return "will NOT work";
    case Preflight::Answer::unknown:
      return "may work";
    case Preflight::Answer::not_executable:
      return "cannot be started";
    case Preflight::Answer::missing:
      break;
  }
  return "not found";
}

}  // namespace

std::string why(const std::string& asked, const Preflight& preflight) {
  const bool other = preflight.chain.size() > 1;
  return fmt::format("{}{}: {}", asked, other ? ", which is run by " + preflight.chain.back() : "",
                     preflight.reason);
}

std::string describe(const std::string& asked, const Preflight& preflight) {
  std::string text = fmt::format("{}: {}\n", asked, headline(preflight.answer));
  if (!preflight.chain.empty()) {
    text += fmt::format("  looked at: {}\n", fmt::join(preflight.chain, " -> "));
  }
  if (!preflight.reason.empty()) text += fmt::format("  because: {}\n", preflight.reason);
  if (!preflight.advice.empty()) text += fmt::format("  instead: {}\n", preflight.advice);
  for (const std::string& note : preflight.notes) text += fmt::format("  note: {}\n", note);
  return text;
}

}  // namespace socktrack
