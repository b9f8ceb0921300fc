#include "watch/suspects.h"

#include <algorithm>

namespace socktrack {
namespace {

Sighting sighting_of(const Slot& slot, std::uint64_t word) {
  const Sighting sighting = unpack(slot.sighting.load(std::memory_order_acquire));
  const bool valid = (word_flags(word) & slot_flag::sighted) != 0 &&
                     sighting.generation == static_cast<std::uint16_t>(word_generation(word));
  return valid ? sighting : Sighting{0, Operation::none, 0, 0};
}

// The detector's table without the kernel: what the socket was found to be is not stored, what was seen is.
Verdict verdict_of(const Sighting& sighting) {
  if (sighting.operation == Operation::none) return Verdict::fin_unread;
  if (sighting.operation == Operation::connect) return Verdict::abandoned;
  return sighting.error != 0 ? Verdict::error_not_closed : Verdict::eof_not_closed;
}

// Since when a socket was over that nobody spoke of; 0 = it was not, as far as is known. Where the last sweep
// had a look, its word counts; what was seen after that nobody has judged.
std::uint64_t dead_since(const Slot& slot, std::uint64_t word, std::uint64_t swept_ns) {
  constexpr std::uint32_t settled = slot_flag::ignored | slot_flag::finished | slot_flag::parked;
  if ((word_flags(word) & slot_flag::live) == 0 || (word_flags(word) & settled) != 0) return 0;
  const bool watched = slot.watched_generation.load() == word_generation(word);
  if (watched && slot.accusation.load() != 0) return 0;
  if (watched && slot.dead_since_ns.load() != 0) return slot.dead_since_ns.load();
  const std::uint64_t seen_ns = slot.sighted_ns.load();
  return sighting_of(slot, word).operation != Operation::none && seen_ns >= swept_ns ? seen_ns : 0;
}

Group& group_for(std::deque<Group>& groups, const Slot& slot, const Sighting& sighting,
                 std::uint64_t since_ns) {
  const std::uint32_t open_site = slot.open_site.load();
  for (Group& group : groups) {
    if (group.open_site == open_site && group.sighting_site == sighting.site &&
        group.error == sighting.error && group.operation == sighting.operation) {
      return group;
    }
  }
  Group& group = groups.emplace_back();
  group.verdict = verdict_of(sighting);
  group.operation = sighting.operation;
  group.error = sighting.error;
  group.open_site = open_site;
  group.sighting_site = sighting.site;
  group.flags = group_flag::at_exit;
  group.first_ns.store(since_ns);
  group.ready.store(1);
  return group;
}

}  // namespace

std::deque<Group> unspoken_suspects(const RecordingView& recording) {
  std::deque<Group> groups;
  for (const Slot& slot : recording.slots()) {
    const std::uint64_t word = slot.word.load(std::memory_order_acquire);
    const std::uint64_t since_ns = dead_since(slot, word, recording.header().swept_monotonic_ns.load());
    if (since_ns == 0) continue;
    Group& group = group_for(groups, slot, sighting_of(slot, word), since_ns);
    group.spoken.fetch_add(1);
    group.first_ns.store(std::min(group.first_ns.load(), since_ns));
    group.latest_ns.store(group.first_ns.load());
  }
  return groups;
}

}  // namespace socktrack
