#include "cli/top_hand.h"

#include <fmt/format.h>

#include <exception>

#include "cli/outside_close.h"

namespace socktrack {
namespace {

// The FIN that the process owes, for each socket of the group that is still what it was said to be.
std::string finish(const TopOrder& order) {
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

}  // namespace

std::vector<std::string> rungs_offered() { return {"finish"}; }

std::string carry_out(const TopOrder& order) {
  try {
    return finish(order);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace socktrack
