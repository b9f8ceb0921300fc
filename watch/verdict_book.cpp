#include "watch/verdict_book.h"

#include <netinet/tcp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "watch/evidence_words.h"
#include "watch/inquiry.h"
#include "watch/probe.h"
#include "watch/raw_syscall.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

// Even with a grace of 0 a running program gets the time from the end of stream to its close(), and the
// recorder the time to finish what it is writing about the sighting.
constexpr std::uint64_t kLeastPatience_ns = 100'000'000;
// ... and who accepts may be a child that the kernel has not let run yet.
constexpr std::uint64_t kLeastQueuePatience_ns = 1'000'000'000;

void count(Header& recording, BlindSpot spot) {
  recording.blind_spots[static_cast<std::size_t>(spot)].fetch_add(1, std::memory_order_relaxed);
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

// Somebody waits for the answer: it may be a slow one.
std::uint64_t waiting_patience(const Finding& finding, std::uint64_t grace_ns) {
  return std::max(5 * patience(finding, grace_ns), kLongestSilence_ns);
}

// Info, not leaks: who else holds the socket, and what the thread is in that ought to read, is the better
// half of what they tell.
bool rests_on_answers(Verdict verdict) {
  return verdict == Verdict::fin_unread || verdict == Verdict::data_unread || verdict == Verdict::inherited ||
         verdict == Verdict::half_open_peer;
}

std::uint64_t inode_of(std::uint32_t fd) {
  struct stat facts {};
  return raw_failed(raw_syscall(SYS_fstat, fd, reg(&facts))) ? 0 : facts.st_ino;
}

// Onto what is there. A reader that meets it half written leaves it out.
template <typename Write>
void write_evidence(Group& group, Write write) {
  EvidenceText text{};
  load_evidence(group.evidence, text);  // only we write
  write(text);
  store_evidence(group.evidence, text);
}

template <std::size_t N>
void copy_text(char (&to)[N], const char* from) {
  const std::size_t size = std::min(strlen(from), N - 1);
  std::memcpy(to, from, size);
  to[size] = '\0';
}

}  // namespace

// Of a socket that another process holds, the fork is what people have to look at.
std::uint32_t VerdictBook::sighting_site(const Suspect& suspect, const Slot& slot) const {
  if (suspect.witness.sighted || suspect.finding.verdict == Verdict::half_open_peer) {
    const Sighting seen = unpack(slot.sighting.load(std::memory_order_acquire));
    return seen.generation == static_cast<std::uint16_t>(word_generation(suspect.word)) ? seen.site : 0;
  }
  if (suspect.finding.verdict != Verdict::inherited) return 0;
  const bool born_with_it = (suspect.witness.flags & slot_flag::inherited) != 0;
  return born_with_it ? host_.recording->birth_site
                      : host_.recording->fork_site.load(std::memory_order_relaxed);
}

bool VerdictBook::same_key(const Group& group, const Suspect& suspect, const Slot& slot,
                           std::uint32_t flags) const {
  return group.verdict == suspect.finding.verdict && group.flags == flags &&
         group.error == suspect.witness.error && group.operation == suspect.witness.operation &&
         group.open_site == slot.open_site.load(std::memory_order_relaxed) &&
         group.sighting_site == sighting_site(suspect, slot);
}

std::uint64_t VerdictBook::grace_of(const Suspect& suspect, const Slot& slot) {
  std::uint32_t index = 0;
  const Group* group = group_for(suspect, slot, false, index);
  return group != nullptr ? group->grace_ns.load(std::memory_order_relaxed) : host_.recording->grace_ns;
}

// Whether somebody else holds the socket decides between verdicts; whether somebody waits on it, if there is
// one.
bool VerdictBook::must_wait_for_answers(Suspect& suspect) {
  if (!rests_on_answers(suspect.finding.verdict)) return false;
  constexpr std::uint64_t kFresh_ns = 3'000'000'000;
  const Inquiry* answers = host_.answers;
  const std::uint64_t inode = inode_of(suspect.fd);
  const bool fresh = answers != nullptr && answers->taken_ns >= suspect.finding.since_ns &&
                     suspect.now_ns - std::min(suspect.now_ns, answers->taken_ns) <= kFresh_ns;
  const Holder* holder = fresh ? answers->holder_of(inode) : nullptr;
  if (holder == nullptr) {
    if (host_.questions == nullptr) return suspect.finding.verdict == Verdict::half_open_peer;
    host_.questions->want(inode);
    wants_answers_ = true;
    return true;
  }
  if (suspect.finding.verdict == Verdict::half_open_peer && answers->waiting_on(suspect.fd) != nullptr)
    return suspect.now_ns - suspect.finding.since_ns <
           waiting_patience(suspect.finding, host_.recording->grace_ns);
  if (suspect.finding.verdict == Verdict::fin_unread && !suspect.witness.sighted && holder->pid != 0)
    suspect.finding.verdict = Verdict::inherited;
  return false;
}

void VerdictBook::consider(const Suspect& considered, Slot& slot) {
  Suspect suspect = considered;
  if (suspect.finding.verdict == Verdict::half_open_peer && !suspect.witness.sighted)
    suspect.witness.operation = Operation::shutdown;
  const std::uint32_t earlier = slot.accusation.load(std::memory_order_relaxed);
  if (earlier != 0) {
    const Accusation& accusation = area<Accusation>(host_.recording->accusations_at)[earlier - 1];
    const Group& group = area<Group>(host_.recording->groups_at)[accusation.group];
    // That nobody has read does not take back who else holds it.
    if (group.verdict == Verdict::inherited && suspect.finding.verdict == Verdict::fin_unread) return;
    if (group.verdict == suspect.finding.verdict && group.sighting_site == sighting_site(suspect, slot))
      return;
    withdraw(slot, suspect.now_ns);  // e.g. an unread FIN that was read since: a better verdict follows
  }
  bool young = false;
  if (!is_time(suspect, slot, young)) return;
  // The young of a program that ends are no verdicts: its end does not wait for them.
  if (!young && must_wait_for_answers(suspect)) return;
  speak(suspect, slot, young);
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

bool VerdictBook::is_open(std::uint32_t fd, std::uint64_t word) const {
  const std::uint64_t now = area<Slot>(host_.recording->slots_at)[fd].word.load(std::memory_order_acquire);
  return word_generation(now) == word_generation(word) && (word_flags(now) & slot_flag::live) != 0;
}

std::uint32_t VerdictBook::consider_queued(const QueuedSuspect& queued) {
  if (!is_open(queued.fd, queued.word)) return 0;
  const Slot& slot = area<Slot>(host_.recording->slots_at)[queued.fd];
  Suspect suspect{};
  suspect.fd = queued.fd;
  suspect.word = queued.word;
  suspect.cookie = queued.cookie;
  suspect.finding = {Verdict::never_accepted, queued.since_ns};
  suspect.facts.state = TCP_CLOSE_WAIT;
  suspect.facts.unsent = queued.send_q;
  suspect.kind = queued.at_exit ? SweepKind::at_exit : SweepKind::regular;
  suspect.now_ns = queued.now_ns;
  const std::uint64_t age = queued.now_ns - queued.since_ns;
  const bool young = age < grace_of(suspect, slot);
  const std::uint64_t least = host_.recording->grace_ns == 0 ? kLeastQueuePatience_ns : kLeastPatience_ns;
  if (!queued.at_exit && (young || age < least)) return 0;
  std::uint32_t group_index = 0;
  Group* group = group_of(suspect, slot, young, group_index);
  if (group == nullptr) return 0;
  SocketAddresses addresses;
  addresses.local = queued.local;
  addresses.peer = queued.peer;
  const std::uint32_t index = write_accusation(suspect, group_index, addresses, queued.recv_q, 0);
  if (index == kMaxAccusations) return 0;
  write_evidence(*group, [&](EvidenceText& evidence) {
    evidence.queue_length = queued.queue_length;
    evidence.queue_limit = queued.queue_limit;
    if (host_.answers != nullptr) describe_tasks(*host_.answers, evidence.threads, sizeof evidence.threads);
  });
  count_spoken(*group, queued.now_ns);
  return index + 1;
}

void VerdictBook::withdraw(Slot& slot, std::uint64_t now_ns) {
  const std::uint32_t earlier = slot.accusation.exchange(0, std::memory_order_relaxed);
  if (earlier != 0) end_accusation(earlier - 1, now_ns);
}

void VerdictBook::end_accusation(std::uint32_t index, std::uint64_t now_ns) {
  Accusation& accusation = area<Accusation>(host_.recording->accusations_at)[index];
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
  // A report reads the rungs of every group: on a full disk a page that was never made is SIGBUS.
  const GroupLadder* ladder = area<GroupLadder>(recording.ladder_at) + index;
  if (index >= kMaxGroups || !host_.touch(group, sizeof *group) || !host_.touch(ladder, sizeof *ladder)) {
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

Group* VerdictBook::group_of(const Suspect& suspect, const Slot& slot, bool young, std::uint32_t& index) {
  Group* group = group_for(suspect, slot, young, index);
  return group != nullptr ? group : new_group(suspect, slot, young ? group_flag::at_exit : 0, index);
}

std::uint32_t VerdictBook::write_accusation(const Suspect& suspect, std::uint32_t group_index,
                                            const SocketAddresses& addresses, std::uint32_t recv_q,
                                            std::uint32_t tid) {
  std::uint32_t index = 0;
  Accusation* accusation = new_accusation(index);
  if (accusation == nullptr) return kMaxAccusations;
  accusation->group = group_index;
  accusation->fd = suspect.fd;
  accusation->generation = word_generation(suspect.word);
  accusation->cookie = suspect.cookie;
  accusation->inode = addresses.inode;
  accusation->opened_ns = suspect.witness.opened_ns;
  accusation->dead_since_ns = suspect.finding.since_ns;
  accusation->spoken_ns = suspect.now_ns;
  accusation->recv_q = recv_q;
  accusation->send_q = suspect.facts.unsent;
  accusation->tid = tid;
  accusation->state = suspect.facts.state;
  accusation->reached.store(0, std::memory_order_relaxed);
  accusation->plan.store(0, std::memory_order_relaxed);
  accusation->answer.store(0, std::memory_order_relaxed);
  accusation->local = addresses.local;
  accusation->peer = addresses.peer;
  std::memcpy(accusation->path, addresses.path, sizeof accusation->path);
  accusation->ready.store(1, std::memory_order_release);
  return index;
}

void VerdictBook::count_spoken(Group& group, std::uint64_t now_ns) {
  group.spoken.fetch_add(1, std::memory_order_relaxed);
  group.latest_ns.store(now_ns, std::memory_order_relaxed);
  spoken_++;
}

void VerdictBook::add_evidence(Group& group, const Suspect& suspect, const Slot& slot) const {
  if (host_.answers == nullptr || !rests_on_answers(suspect.finding.verdict)) return;
  const Inquiry& answers = *host_.answers;
  write_evidence(group, [&](EvidenceText& evidence) {
    const Holder* holder = answers.holder_of(inode_of(suspect.fd));
    if (holder != nullptr && holder->pid != 0) {
      evidence.holder_pid = holder->pid;
      evidence.holder_flags = holder->flags;
      copy_text(evidence.holder, holder->program);
    }
    if (suspect.finding.verdict == Verdict::inherited) return;
    const Task* worker = answers.waiting_on(suspect.fd);
    if (worker == nullptr) worker = answers.task_of(slot.sighted_tid.load(std::memory_order_relaxed));
    if (worker != nullptr) {
      evidence.worker_tid = worker->tid;
      copy_text(evidence.worker, worker->name);
      describe_call(*worker, evidence.doing, sizeof evidence.doing);
    }
    describe_tasks(answers, evidence.threads, sizeof evidence.threads);
  });
}

void VerdictBook::speak(const Suspect& suspect, Slot& slot, bool young) {
  // Identity once more, at the moment of speaking: the number may have changed hands since the probe.
  if (socket_cookie(static_cast<int>(suspect.fd)) != suspect.cookie) return;
  std::uint32_t group_index = 0;
  Group* group = group_of(suspect, slot, young, group_index);
  if (group == nullptr) return;
  const std::uint32_t tid = suspect.witness.sighted ? slot.sighted_tid.load(std::memory_order_relaxed) : 0;
  const std::uint32_t index = write_accusation(
      suspect, group_index, socket_addresses(static_cast<int>(suspect.fd)), recv_q(suspect), tid);
  if (index == kMaxAccusations) return;
  add_evidence(*group, suspect, slot);
  count_spoken(*group, suspect.now_ns);
  // From here on a close() of the program finds the accusation; one that came before is found below.
  slot.accusation.store(index + 1, std::memory_order_seq_cst);
  if (word_generation(slot.word.load(std::memory_order_seq_cst)) != word_generation(suspect.word) ||
      (word_flags(slot.word.load(std::memory_order_seq_cst)) & slot_flag::live) == 0) {
    withdraw(slot, suspect.now_ns);
  }
}

}  // namespace socktrack
