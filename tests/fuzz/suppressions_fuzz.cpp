// Any text as a file of rules: a sentence with its line, or rules that can be applied to a report.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "watch/suppressions.h"

using namespace socktrack;

namespace {

Report some_report() {
  LeakGroup group;
  group.fingerprint = "0123456789abcdef";
  group.verdict = Verdict::eof_not_closed;
  group.severity = Severity::leak;
  group.count = 3;
  Frame frame;
  frame.function = "a::(anonymous namespace)::operator()(int) const";
  frame.module = "/usr/bin/server";
  group.open_stack = group.sighting_stack = {frame};
  SocketFacts socket;
  socket.local = "[::1]:80";
  socket.peer = "/run/x";
  group.sockets = {socket};
  Report report;
  report.processes.emplace_back();
  report.processes[0].groups = {group};
  return report;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses a beginning, so that random bytes come to be rules at all.
  constexpr std::string_view starts[] = {"", "frame:", "module:\"", "peer:*", "port:", "verdict:*\n", "# \n"};
  std::string text(starts[size == 0 ? 0 : data[0] % std::size(starts)]);
  if (size > 0) text.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  Suppressions suppressions;
  try {
    suppressions.add_rules(text, "fuzz");
    suppressions.add_ignored(text);
  } catch (const SuppressionError& error) {
    if (!std::string_view(error.what()).starts_with("fuzz:")) std::abort();
    return 0;
  }
  Report report = some_report();
  suppressions.apply(report);
  const ProcessReport& process = report.processes[0];
  if (process.groups.size() + process.suppressed.size() != 1) std::abort();
  if (process.leaked != (process.groups.empty() ? 0U : 3U)) std::abort();
  return 0;
}
