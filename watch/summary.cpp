#include "watch/summary.h"

#include <algorithm>
#include <cstdint>

#include "watch/own_code.h"

namespace socktrack {
namespace {

std::string how_many(const LeakGroup& group) {
  const std::uint64_t all = std::max(group.opened_here, group.count);
  const char* does = group.severity == Severity::info ? " lie here" : group.count == 1 ? " leaks" : " leak";
  const std::string place = telling_place(group.open_stack);
  return std::to_string(group.count) + " of " + std::to_string(all) + (all == 1 ? " socket" : " sockets") +
         " opened" + (place.empty() ? " here" : " at " + place) + does;
}

std::string where_others_go(const LeakGroup& group) {
  if (group.sibling_closes.empty()) return "";
  const bool by_collector = group.sibling_closes.front().by_collector;
  const std::string place = by_collector ? "" : telling_place(group.sibling_closes.front().stack);
  if (place.empty() && !by_collector) return "";
  std::uint64_t sum = 0;
  for (const SiblingClose& each : group.sibling_closes) sum += each.samples;
  const std::uint64_t percent = group.sibling_closes.front().samples * 100 / std::max<std::uint64_t>(sum, 1);
  return "; " + (percent >= 100 ? "the others" : std::to_string(percent) + " % of the others") +
         (by_collector ? " are closed by the garbage collector alone" : " are closed at " + place);
}

std::string where_seen(const LeakGroup& group) {
  const std::string place = telling_place(group.sighting_stack);
  if (place.empty()) return "";
  if (group.verdict == Verdict::inherited && group.operation.empty())
    return "; copied by the fork at " + place;
  if (group.verdict == Verdict::half_open_peer && group.operation == "shutdown")
    return "; shut down at " + place;
  return "; " + std::string(group.count == 1 ? "this one saw " : "these saw ") +
         (group.error.empty() ? "end of stream" : group.error) + " at " + place;
}

// These were never sockets of the program: the open site is the listener's.
std::string never_accepted(const LeakGroup& group) {
  const std::string place = telling_place(group.open_stack);
  return std::to_string(group.count) + (group.count == 1 ? " peer" : " peers") +
         " gave up in the queue of the listener" + (place.empty() ? "" : " opened at " + place);
}

}  // namespace

std::string summary_of(const LeakGroup& group) {
  if (group.verdict == Verdict::never_accepted) return never_accepted(group);
  if (group.open_stack.empty() && group.sighting_stack.empty()) return "";
  return how_many(group) + where_others_go(group) + where_seen(group);
}

}  // namespace socktrack
