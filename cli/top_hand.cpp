#include "cli/top_hand.h"

#include <fmt/format.h>

#include <exception>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/ladder_control.h"
#include "cli/outside_close.h"
#include "watch/ladder_words.h"
#include "watch/options.h"

namespace socktrack {
namespace {

constexpr const char* kFinishNow = "finish now";

// The FIN that the process owes, for each socket of the group that is still what it was said to be.
std::string finish_now(const TopOrder& order) {
  const ProcessHandle process(order.process.pid);
  std::size_t done = 0;
  std::string why_not;
  for (const SocketFacts& socket : order.group.sockets) {
    const ShutDown result = shut_down(process, socket.fd, socket.cookie, Force::no, Act::yes);
    done += result.done ? 1U : 0U;
    if (!result.done && why_not.empty()) why_not = result.why_not;
  }
  std::string said = fmt::format("finish: {} of {} sockets shut down", done, order.group.count);
  if (!why_not.empty()) said += "; " + why_not;
  return said;
}

// One rung is in force for all groups of a process: another one would act on those allowed before.
void require_same_rung(const LadderPolicy& active, const std::string& wanted) {
  if (active.rung == Rung::observe || wanted == name_of(active.rung)) return;
  throw Failure(kCannot,
                fmt::format("the process is at {} already: use socktrack mitigate", name_of(active.rung)));
}

void take(Options& options, const char* name, const std::string& text) {
  if (const char* wrong = set_option(options, name, text)) throw Failure(kCannot, text + " " + wrong);
}

// The library in the process acts from now on, by its own rules: on this group, too.
std::string allow_from_now(const TopOrder& order) {
  RemoteLadder ladder(order.process.pid, order.process.recording);
  Options options;
  options.ladder = ladder.active();
  require_same_rung(options.ladder, order.rung);
  std::string groups = order.group.fingerprint;
  for (std::uint32_t i = 0; i < options.ladder.allowed_count; ++i)
    groups += fmt::format(",{:016x}", options.ladder.allowed[i]);
  if (!options.ladder.allow_all) take(options, "allow", groups);
  take(options, "mitigate", order.rung);
  ladder.set(options.ladder);
  return fmt::format("{} from now on, for group {}, after {:g} s without progress", order.rung,
                     order.group.fingerprint, static_cast<double>(options.ladder.after_ns) / 1e9);
}

}  // namespace

std::vector<std::string> rungs_offered() { return {kFinishNow, "probe", "finish", "park"}; }

std::string carry_out(const TopOrder& order) {
  try {
    return order.rung == kFinishNow ? finish_now(order) : allow_from_now(order);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace socktrack
