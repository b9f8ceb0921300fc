#include "watch/same_leak.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "watch/own_code.h"

namespace socktrack {
namespace {

constexpr std::size_t kFramesCompared = 8;  // as many as the fingerprint has; used where nothing has a name

std::string place_of(const std::vector<Frame>& stack) {
  std::string place = telling_place(stack);
  if (!place.empty()) return place;
  for (std::size_t i = 0; i < std::min(stack.size(), kFramesCompared); ++i)
    place += stack[i].module + "+" + std::to_string(stack[i].offset) + " ";
  return place;
}

using Key = std::tuple<Verdict, Severity, std::string, std::string, std::string, std::string, std::string>;

Key key_of(const LeakGroup& group) {
  return {group.verdict,
          group.severity,
          group.error,
          group.operation,
          group.fingerprint,
          place_of(group.open_stack),
          place_of(group.sighting_stack)};
}

template <typename T>
void append_new(std::vector<T>& to, const std::vector<T>& from) {
  for (const T& each : from) {
    if (std::find(to.begin(), to.end(), each) == to.end()) to.push_back(each);
  }
}

void add_peers(std::vector<PeerCount>& to, const std::vector<PeerCount>& from) {
  for (const PeerCount& each : from) {
    const auto known =
        std::find_if(to.begin(), to.end(), [&](const PeerCount& one) { return one.address == each.address; });
    if (known == to.end()) {
      to.push_back(each);
    } else {
      known->count += each.count;
    }
  }
  std::stable_sort(to.begin(), to.end(),
                   [](const PeerCount& a, const PeerCount& b) { return a.count > b.count; });
}

void add_closes(LeakGroup& to, const LeakGroup& from) {
  for (const SiblingClose& each : from.sibling_closes) {
    const auto known =
        std::find_if(to.sibling_closes.begin(), to.sibling_closes.end(),
                     [&](const SiblingClose& one) { return place_of(one.stack) == place_of(each.stack); });
    if (known == to.sibling_closes.end()) {
      to.sibling_closes.push_back(each);
    } else {
      known->samples += each.samples;
    }
  }
  std::uint64_t sum = 0;
  for (const SiblingClose& each : to.sibling_closes) sum += each.samples;
  for (SiblingClose& each : to.sibling_closes)
    each.share = static_cast<double>(each.samples) / static_cast<double>(std::max<std::uint64_t>(sum, 1));
  std::stable_sort(to.sibling_closes.begin(), to.sibling_closes.end(),
                   [](const SiblingClose& a, const SiblingClose& b) { return a.samples > b.samples; });
  if (!to.sibling_closes.empty()) to.sibling_close_stack = to.sibling_closes.front().stack;
}

// What an open site tells is told once, however many groups have it.
void add_open_site(LeakGroup& to, const LeakGroup& from) {
  const bool known =
      std::find(to.open_sites.begin(), to.open_sites.end(), from.open_sites.front()) != to.open_sites.end();
  if (known) return;
  to.open_sites.push_back(from.open_sites.front());
  to.opened_here += from.opened_here;
  to.closed_here += from.closed_here;
  add_closes(to, from);
}

using Medians = std::vector<std::pair<double, std::uint64_t>>;  // age, sockets

double median_of(Medians parts) {
  std::sort(parts.begin(), parts.end());
  std::uint64_t sum = 0;
  for (const auto& [age, count] : parts) sum += count;
  std::uint64_t passed = 0;
  for (const auto& [age, count] : parts) {
    passed += count;
    if (2 * passed >= sum) return age;
  }
  return 0;
}

void merge(LeakGroup& to, LeakGroup&& from, std::size_t most_sockets) {
  to.count += from.count;
  to.per_minute += from.per_minute;
  to.late_closes += from.late_closes;
  to.collected += from.collected;
  to.oldest_s = std::max(to.oldest_s, from.oldest_s);
  to.grace_s = std::max(to.grace_s, from.grace_s);
  if (from.trend == Trend::growing || to.trend == Trend::unknown) to.trend = from.trend;
  if (!from.open_sites.empty()) add_open_site(to, from);
  append_new(to.pools, from.pools);
  append_new(to.threads, from.threads);
  add_peers(to.peers, from.peers);
  const std::size_t room = most_sockets - std::min(most_sockets, to.sockets.size());
  const auto end = from.sockets.begin() + static_cast<std::ptrdiff_t>(std::min(room, from.sockets.size()));
  to.sockets.insert(to.sockets.end(), std::make_move_iterator(from.sockets.begin()),
                    std::make_move_iterator(end));
}

}  // namespace

void merge_same_leaks(std::vector<LeakGroup>& groups, std::size_t most_sockets) {
  std::vector<LeakGroup> merged;
  std::vector<Medians> medians;
  std::map<Key, std::size_t> places;
  for (LeakGroup& group : groups) {
    const auto [place, is_new] = places.emplace(key_of(group), merged.size());
    if (is_new) medians.emplace_back();
    medians[place->second].emplace_back(group.median_s, group.count);
    if (is_new) {
      merged.push_back(std::move(group));
    } else {
      merge(merged[place->second], std::move(group), most_sockets);
    }
  }
  for (std::size_t i = 0; i < merged.size(); ++i) {
    if (medians[i].size() > 1) merged[i].median_s = median_of(medians[i]);
  }
  groups = std::move(merged);
}

}  // namespace socktrack
