#include "watch/verdict_book.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <cstring>

#include "watch/probe.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

// Even with a grace of 0 a running program gets the time from the end of stream to its close(), and the
// recorder the time to finish what it is writing about the sighting.
constexpr std::uint64_t kLeastPatience_ns = 100'000'000;

void count(Header& recording, BlindSpot spot) {
  recording.blind_spots[static_cast<std::size_t>(spot)].fetch_add(1, std::memory_order_relaxed);
}

std::uint32_t sighting_site(const Suspect& suspect, const Slot& slot) {
  return suspect.witness.sighted ? unpack(slot.sighting.load(std::memory_order_acquire)).site : 0;
}

bool same_key(const Group& group, const Suspect& suspect, const Slot& slot, std::uint32_t flags) {
  return group.verdict == suspect.finding.verdict && group.flags == flags &&
         group.error == suspect.witness.error && group.operation == suspect.witness.operation &&
         group.open_site == slot.open_site.load(std::memory_order_relaxed) &&
         group.sighting_site == sighting_site(suspect, slot);
}

// As ss shows it: an unread FIN counts as one byte.
std::uint32_t recv_q(const Suspect& suspect) {
  const bool a_guess = suspect.facts.fin == Fin::unknown && suspect.facts.state == TCP_CLOSE_WAIT &&
                       !suspect.witness.sighted && !suspect.is_unix();
  const bool fin_unread = suspect.facts.fin == Fin::unread || a_guess;
  return suspect.facts.unread + (fin_unread ? 1 : 0);
}

// Time without progress before the verdict is spoken.
std::uint64_t patience(const Finding& finding, std::uint64_t grace_ns) {
  if (finding.graces <= 1) return grace_ns;
  return std::max(grace_ns * finding.graces, kLongSilence_ns);
}

}  // namespace

std::uint64_t VerdictBook::grace_of(const Suspect& suspect, const Slot& slot) {
  std::uint32_t index = 0;
  const Group* group = group_for(suspect, slot, false, index);
  return group != nullptr ? group->grace_ns.load(std::memory_order_relaxed) : host_.recording->grace_ns;
}

void VerdictBook::consider(const Suspect& suspect, Slot& slot) {
  const std::uint32_t earlier = slot.accusation.load(std::memory_order_relaxed);
  if (earlier != 0) {
    const Accusation& accusation = area<Accusation>(host_.recording->accusations_at)[earlier - 1];
    const Group& group = area<Group>(host_.recording->groups_at)[accusation.group];
    if (group.verdict == suspect.finding.verdict && group.sighting_site == sighting_site(suspect, slot))
      return;
    withdraw(slot, suspect.now_ns);  // e.g. an unread FIN that was read since: a better verdict follows
  }
  bool young = false;
  if (is_time(suspect, slot, young)) speak(suspect, slot, young);
}

// Whether to speak of it in this pass. `young`: younger than the grace, so apart from the leaks.
bool VerdictBook::is_time(const Suspect& suspect, const Slot& slot, bool& young) {
  const std::uint64_t age = suspect.now_ns - suspect.finding.since_ns;
  if (suspect.kind == SweepKind::now) {
    if (!is_leak(suspect.finding.verdict) || suspect.finding.graces > 1) return false;
    if (age < kLeastPatience_ns) too_fresh_++;
    return age >= kLeastPatience_ns;
  }
  young = age < patience(suspect.finding, grace_of(suspect, slot));
  if (young && suspect.finding.graces > 1) return false;
  return suspect.kind == SweepKind::at_exit || (!young && age >= kLeastPatience_ns);
}

void VerdictBook::withdraw(Slot& slot, std::uint64_t now_ns) {
  const std::uint32_t earlier = slot.accusation.exchange(0, std::memory_order_relaxed);
  if (earlier == 0) return;
  Accusation& accusation = area<Accusation>(host_.recording->accusations_at)[earlier - 1];
  std::uint64_t still_accused = 0;
  if (!accusation.ended_ns.compare_exchange_strong(still_accused, now_ns, std::memory_order_acq_rel)) return;
  area<Group>(host_.recording->groups_at)[accusation.group].withdrawn.fetch_add(1, std::memory_order_relaxed);
}

Group* VerdictBook::group_for(const Suspect& suspect, const Slot& slot, bool young, std::uint32_t& index) {
  const std::uint32_t flags = young ? group_flag::at_exit : 0;
  const std::uint32_t used = host_.recording->groups_used.load(std::memory_order_relaxed);
  Group* groups = area<Group>(host_.recording->groups_at);
  for (index = 0; index < used; index++) {
    if (same_key(groups[index], suspect, slot, flags)) return &groups[index];
  }
  return nullptr;
}

Group* VerdictBook::new_group(const Suspect& suspect, const Slot& slot, std::uint32_t flags,
                              std::uint32_t& index) {
  Header& recording = *host_.recording;
  index = recording.groups_used.load(std::memory_order_relaxed);
  Group* group = area<Group>(recording.groups_at) + index;
  if (index >= kMaxGroups || !host_.touch(group, sizeof *group)) {
    count(recording, BlindSpot::groups_full);
    return nullptr;
  }
  group->verdict = suspect.finding.verdict;
  group->operation = suspect.witness.operation;
  group->error = suspect.witness.error;
  group->open_site = slot.open_site.load(std::memory_order_relaxed);
  group->sighting_site = sighting_site(suspect, slot);
  group->flags = flags;
  group->first_ns.store(suspect.now_ns, std::memory_order_relaxed);
  group->grace_ns.store(recording.grace_ns, std::memory_order_relaxed);
  const std::uint32_t tid = slot.sighted_tid.load(std::memory_order_relaxed);
  const ThreadName& thread = area<ThreadName>(recording.threads_at)[tid % kMaxThreads];
  if (suspect.witness.sighted && host_.touch(&thread, sizeof thread) &&
      thread.tid.load(std::memory_order_acquire) == tid) {
    std::memcpy(group->thread, thread.name, sizeof group->thread - 1);
  }
  group->ready.store(1, std::memory_order_release);
  recording.groups_used.store(index + 1, std::memory_order_release);
  new_groups_++;
  return group;
}

Accusation* VerdictBook::new_accusation(std::uint32_t& index) {
  Header& recording = *host_.recording;
  Accusation* all = area<Accusation>(recording.accusations_at);
  index = recording.accusations_used.load(std::memory_order_relaxed);
  if (index < kMaxAccusations && host_.touch(&all[index], sizeof all[index])) {
    recording.accusations_used.store(index + 1, std::memory_order_release);
    return &all[index];
  }
  // Full: the records of sockets that were closed after all may go, their groups have counted them.
  const std::uint32_t used = index;
  for (index = 0; index < used; index++) {
    if (all[index].ended_ns.load(std::memory_order_acquire) == 0) continue;
    all[index].ready.store(0, std::memory_order_release);
    all[index].ended_ns.store(0, std::memory_order_relaxed);
    return &all[index];
  }
  count(recording, BlindSpot::accusations_full);
  return nullptr;
}

void VerdictBook::speak(const Suspect& suspect, Slot& slot, bool young) {
  // Identity once more, at the moment of speaking: the number may have changed hands since the probe.
  if (socket_cookie(static_cast<int>(suspect.fd)) != suspect.cookie) return;
  std::uint32_t group_index = 0;
  Group* group = group_for(suspect, slot, young, group_index);
  if (group == nullptr) group = new_group(suspect, slot, young ? group_flag::at_exit : 0, group_index);
  std::uint32_t index = 0;
  Accusation* accusation = group == nullptr ? nullptr : new_accusation(index);
  if (accusation == nullptr) return;

  const SocketAddresses addresses = socket_addresses(static_cast<int>(suspect.fd));
  accusation->group = group_index;
  accusation->fd = suspect.fd;
  accusation->generation = word_generation(suspect.word);
  accusation->cookie = suspect.cookie;
  accusation->inode = addresses.inode;
  accusation->opened_ns = suspect.witness.opened_ns;
  accusation->dead_since_ns = suspect.finding.since_ns;
  accusation->spoken_ns = suspect.now_ns;
  accusation->recv_q = recv_q(suspect);
  accusation->send_q = suspect.facts.unsent;
  accusation->tid = suspect.witness.sighted ? slot.sighted_tid.load(std::memory_order_relaxed) : 0;
  accusation->state = suspect.facts.state;
  accusation->local = addresses.local;
  accusation->peer = addresses.peer;
  std::memcpy(accusation->path, addresses.path, sizeof accusation->path);
  accusation->ready.store(1, std::memory_order_release);

  group->spoken.fetch_add(1, std::memory_order_relaxed);
  group->latest_ns.store(suspect.now_ns, std::memory_order_relaxed);
  spoken_++;
  // From here on a close() of the program finds the accusation; one that came before is found below.
  slot.accusation.store(index + 1, std::memory_order_seq_cst);
  if (word_generation(slot.word.load(std::memory_order_seq_cst)) != word_generation(suspect.word) ||
      (word_flags(slot.word.load(std::memory_order_seq_cst)) & slot_flag::live) == 0) {
    withdraw(slot, suspect.now_ns);
  }
}

}  // namespace socktrack
