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

bool is_suspect(const Slot& slot, std::uint64_t word) {
  return (word_flags(word) & slot_flag::live) != 0 && slot.accusation.load() == 0 &&
         slot.watched_generation.load() == word_generation(word) && slot.dead_since_ns.load() != 0;
}

Group& group_for(std::deque<Group>& groups, const Slot& slot, const Sighting& sighting) {
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
  group.first_ns.store(slot.dead_since_ns.load());
  group.ready.store(1);
  return group;
}

}  // namespace

std::deque<Group> unspoken_suspects(const RecordingView& recording) {
  std::deque<Group> groups;
  for (const Slot& slot : recording.slots()) {
    const std::uint64_t word = slot.word.load(std::memory_order_acquire);
    if (!is_suspect(slot, word)) continue;
    Group& group = group_for(groups, slot, sighting_of(slot, word));
    group.spoken.fetch_add(1);
    group.first_ns.store(std::min(group.first_ns.load(), slot.dead_since_ns.load()));
    group.latest_ns.store(group.first_ns.load());
  }
  return groups;
}

}  // namespace socktrack
