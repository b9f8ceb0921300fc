#include "preload/round.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <iterator>

#include "preload/acts.h"
#include "preload/claim.h"
#include "preload/clerk.h"
#include "preload/mitigated.h"
#include "preload/recorder.h"
#include "preload/sandbox.h"
#include "preload/table.h"
#include "preload/waiting_client.h"
#include "watch/eligibility.h"
#include "watch/probe.h"
#include "watch/raw_syscall.h"

namespace socktrack::hand {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kClockSlack = 20'000'000;
constexpr std::uint64_t kPatienceAfterNothing = 2 * kSecond;
constexpr std::uint64_t kLookings = 9;

struct Candidate {
  Subject subject;
  Accusation* accusation = nullptr;
  std::uint64_t word = 0;
  std::uint64_t cookie = 0;
  WaitingClient client;
  Rung rung = Rung::observe;
  bool takes_token = false;  // of the rate: climbing on from finish does not
};
constinit Candidate g_candidates[clerk::kMostSubjects];
std::uint32_t g_count = 0;
RateLimit g_rate;
std::uint64_t g_look_again_ns = 0;
std::uint32_t g_next = 0;  // accusation to begin with: all have their turn, however many are refused

// Groups of which a socket was answered after the verdict: their half-closes are in use.
bool g_answers[kMaxGroups];
const Header* g_answers_of = nullptr;  // a forked child has groups of its own

template <typename T>
T* area(Header* recording, std::uint64_t at) {
  return reinterpret_cast<T*>(reinterpret_cast<char*>(recording) + at);
}

bool sigpipe_kills() {
  std::uintptr_t action[4] = {};
  raw_syscall(SYS_rt_sigaction, SIGPIPE, 0, reg(action), 8);
  return action[0] == 0;  // SIG_DFL
}

ProcessFacts facts_of(Header* recording, const LadderPolicy& policy) {
  ProcessFacts facts;
  const std::uint64_t open = recording->fds_open.load(std::memory_order_relaxed);
  const std::uint64_t limit = recording->fds_limit.load(std::memory_order_relaxed);
  facts.short_of_descriptors = limit > 0 && open * 100 >= limit * policy.at_percent;
  facts.sigpipe_kills = sigpipe_kills();
  facts.unseen_closes = recorder::count_of(BlindSpot::unseen_close) > 0;
  return facts;
}

// One pass over the accused.
class Round {
 public:
  Round(Header* recording, const LadderPolicy& policy, std::uint32_t sequence, Purpose purpose)
      : recording_(recording),
        control_(*area<LadderControl>(recording, recording->control_at)),
        policy_(policy),
        sequence_(sequence),
        purpose_(purpose),
        now_ns_(recorder::now_ns()),
        facts_(facts_of(recording, policy)) {
    if (purpose == Purpose::reclaim) facts_.short_of_descriptors = true;
    if (g_answers_of != recording) std::fill(std::begin(g_answers), std::end(g_answers), false);
    g_answers_of = recording;
    to_act_ = purpose == Purpose::act ? g_rate.available(policy.per_hour, now_ns_) : clerk::kMostSubjects;
    if (purpose == Purpose::answer) return;
    control_.armed.store(policy.at_percent == 0 || facts_.short_of_descriptors ? 1 : 0,
                         std::memory_order_relaxed);
  }

  void run() {
    const std::uint32_t used = recording_->accusations_used.load(std::memory_order_acquire);
    const std::uint32_t first = purpose_ == Purpose::answer || g_next >= used ? 0 : g_next;
    g_next = first;
    for (std::uint32_t n = 0; n < used && !halted(); n++) {
      const std::uint32_t i = (first + n) % used;
      const bool room = g_count < clerk::kMostSubjects;
      consider(area<Accusation>(recording_, recording_->accusations_at)[i]);
      if (room && g_count == clerk::kMostSubjects) g_next = i + 1;
      if (g_count == clerk::kMostSubjects && purpose_ == Purpose::answer) settle();
    }
    settle();
    if (purpose_ != Purpose::answer) tally(used);
  }

  RoundResult result() const { return {acted_, next_ready_ns_}; }

 private:
  bool halted() const {
    if (is_stopped() || purpose_ == Purpose::answer) return is_stopped();
    // The kill switch: whoever changes the settings stops us before the next act.
    return !sandbox::may_act() || control_.active.sequence.load(std::memory_order_acquire) != sequence_;
  }

  LeakFacts leak_of(const Accusation& accusation, const Slot& slot, std::uint64_t word) {
    const Group& group = area<Group>(recording_, recording_->groups_at)[accusation.group];
    const GroupLadder& ladder = area<GroupLadder>(recording_, recording_->ladder_at)[accusation.group];
    LeakFacts leak;
    leak.verdict = group.verdict;
    leak.flags = word_flags(word);
    leak.reached = static_cast<Rung>(accusation.reached.load(std::memory_order_relaxed));
    const std::uint64_t dead_since = slot.dead_since_ns.load(std::memory_order_relaxed);
    leak.idle_ns = dead_since == 0 ? 0 : now_ns_ - std::min(dead_since, now_ns_);
    leak.group_grace_ns = group.grace_ns.load(std::memory_order_relaxed);
    leak.fingerprint = ladder.fingerprint.load(std::memory_order_acquire);
    leak.group_off = (ladder.flags.load(std::memory_order_acquire) & ladder_flag::off) != 0;
    // The sweep counts from the last byte that was sent.
    if (leak.verdict == Verdict::eof_not_closed && leak.reached < Rung::finish &&
        dead_since > accusation.spoken_ns + kClockSlack)
      g_answers[accusation.group] = true;
    leak.group_answers = group.withdrawn.load(std::memory_order_relaxed) > 0 || g_answers[accusation.group];
    leak.group_closes_late = group.late_closes.load(std::memory_order_relaxed) > 0;
    return leak;
  }

  static bool is_same(const Accusation& accusation, const Slot& slot, std::uint64_t word) {
    return word_generation(word) == accusation.generation && (word_flags(word) & slot_flag::live) != 0 &&
           slot.watched_generation.load(std::memory_order_acquire) == accusation.generation;
  }

  void set_plan(Accusation& accusation, Rung rung, Refusal refusal) {
    auto& field = purpose_ == Purpose::answer ? accusation.answer : accusation.plan;
    field.store(pack_plan(rung, refusal), std::memory_order_relaxed);
  }

  void consider(Accusation& accusation) {
    if (accusation.ready.load(std::memory_order_acquire) == 0 || accusation.ended_ns.load() != 0) return;
    Slot* slot = recorder::slot_at(recording_, accusation.fd);
    if (slot == nullptr || accusation.group >= kMaxGroups) return;
    const std::uint64_t word = slot->word.load(std::memory_order_acquire);
    const auto reached = static_cast<Rung>(accusation.reached.load(std::memory_order_relaxed));
    if (!is_same(accusation, *slot, word)) {
      return set_plan(accusation, reached, reached == Rung::close ? Refusal::done : Refusal::changed);
    }
    const LeakFacts leak = leak_of(accusation, *slot, word);
    if ((leak.flags & slot_flag::accepted) != 0) WaitingClient::note_end(accusation, *slot);
    Plan plan = plan_for(policy_, facts_, leak);
    if (plan.refusal == Refusal::too_young) note_ready(leak);
    if (plan.allowed() && purpose_ == Purpose::reclaim && plan.rung != Rung::close)
      plan.refusal = Refusal::rate;
    if (plan.allowed() && !sandbox::may_act()) plan.refusal = Refusal::not_inspected;
    KernelFacts kernel;
    if (plan.allowed()) plan.refusal = ask_kernel(accusation, plan.rung, leak, kernel);
    if (plan.allowed()) plan.refusal = admit(*slot, word, plan.rung, leak, kernel);
    if (plan.allowed()) plan.refusal = add(accusation, *slot, word, plan.rung, leak, kernel);
    if (!plan.allowed()) set_plan(accusation, plan.rung, plan.refusal);  // else when it is settled
  }

  void note_ready(const LeakFacts& leak) {
    const std::uint64_t wait = std::max(policy_.after_ns, leak.group_grace_ns) - leak.idle_ns;
    if (highest_rung(policy_, leak) == Rung::close) next_ready_ns_ = std::min(next_ready_ns_, now_ns_ + wait);
  }

  Refusal ask_kernel(const Accusation& accusation, Rung rung, const LeakFacts& leak,
                     KernelFacts& kernel) const {
    if ((leak.flags & slot_flag::parked) != 0) return Refusal::none;  // the dead end: there is nothing to ask
    const int fd = static_cast<int>(accusation.fd);
    if (socket_cookie(fd) != accusation.cookie || !probe_tcp(fd, now_ns_, kernel)) return Refusal::changed;
    // It was used since the last sweep. The kernel tells in milliseconds.
    const std::uint64_t quiet_since_ns = now_ns_ - leak.idle_ns;
    if (kernel.sent_data && kernel.last_sent_ns > quiet_since_ns + kClockSlack) return Refusal::changed;
    return refusal_of_kernel(rung, kernel);
  }

  // Without a dead end, connections are shut down one by one until one of them is closed on both sides.
  static bool waits_for_dead_end(const LeakFacts& leak, const KernelFacts& kernel) {
    return !acts::has_dead_end() && (leak.flags & slot_flag::finished) != 0 && kernel.state != TCP_CLOSE;
  }
  bool may_begin_dead_end(const LeakFacts& leak, const KernelFacts& kernel) {
    if (acts::has_dead_end()) return true;
    if (kernel.state == TCP_CLOSE) return acts::may_be_dead_end(leak.flags);
    return dead_ends_begun_++ == 0;
  }

  Refusal admit(Slot& slot, std::uint64_t word, Rung rung, const LeakFacts& leak, const KernelFacts& kernel) {
    if (purpose_ == Purpose::answer) return Refusal::none;
    if (rung == Rung::park && waits_for_dead_end(leak, kernel)) return Refusal::no_dead_end;
    if (rung >= Rung::finish && purpose_ == Purpose::act && (word_flags(word) & slot_flag::marked) == 0)
      return mark(slot);
    return to_act_ == 0 && leak.reached < Rung::finish ? Refusal::rate : Refusal::none;
  }

  // A round before the act: a send that has passed its hook before that must be in the kernel by then, or its
  // SIGPIPE would end the program; and so must a connect, or it would bring the dead end to life.
  static Refusal mark(Slot& slot) {
    slot.word.fetch_or(slot_flag::marked, std::memory_order_acq_rel);
    mitigated::begin();
    return Refusal::marked;
  }

  Refusal add(Accusation& accusation, const Slot& slot, std::uint64_t word, Rung rung, const LeakFacts& leak,
              const KernelFacts& kernel) {
    if (g_count == clerk::kMostSubjects) return Refusal::rate;
    Candidate& candidate = g_candidates[g_count++];
    candidate = {};
    candidate.subject.fd = static_cast<int>(accusation.fd);
    candidate.subject.inode = accusation.inode;
    candidate.accusation = &accusation;
    candidate.word = word;
    candidate.cookie = accusation.cookie;
    candidate.rung = rung;
    candidate.takes_token =
        accusation.reached.load(std::memory_order_relaxed) < static_cast<std::uint8_t>(Rung::finish);
    if (rung >= Rung::finish && leak.verdict == Verdict::eof_not_closed && kernel.state == TCP_CLOSE_WAIT &&
        (leak.flags & slot_flag::connect_tried) == 0)  // a server to which we were a client has said all
      candidate.client.ask(candidate.subject, accusation, slot, now_ns_);
    return Refusal::none;
  }

  static Refusal refusal_of_others(const Candidate& candidate) {
    const Surroundings& around = candidate.subject.around;
    const Refusal refusal = refusal_of_surroundings(candidate.rung, around);
    if (refusal != Refusal::none) return refusal;
    return candidate.client.may_wait(around) ? Refusal::answers_later : Refusal::none;
  }

  // Looks around for all candidates at once, then acts on each.
  void settle() {
    const std::uint32_t count = g_count;
    g_count = 0;
    if (count == 0) return;
    // What /proc told a moment ago in vain is not read again at once: the plans stay as they are.
    if (purpose_ == Purpose::act && g_candidates[0].rung >= Rung::finish && now_ns_ < g_look_again_ns) return;
    const std::uint64_t start_ns = recorder::precise_now_ns();
    inspect(count);
    const std::uint32_t before = acted_;
    for (std::uint32_t i = 0; i < count && !halted(); i++) {
      Candidate& candidate = g_candidates[i];
      Refusal refusal = refusal_of_others(candidate);
      if (refusal == Refusal::none && candidate.takes_token && to_act_ == 0) refusal = Refusal::rate;
      if (refusal == Refusal::none && purpose_ != Purpose::answer) refusal = act(candidate);
      set_plan(*candidate.accusation, candidate.rung, refusal);
    }
    // Reading all of /proc takes its time on a large machine: at most a tenth of a processor.
    const std::uint64_t end_ns = recorder::precise_now_ns();
    g_look_again_ns =
        end_ns + std::max(kLookings * (end_ns - start_ns), acted_ == before ? kPatienceAfterNothing : 0);
  }

  void inspect(std::uint32_t count) {
    static Subject subjects[clerk::kMostSubjects];
    std::uint32_t asked = 0;
    for (std::uint32_t i = 0; i < count; i++) {
      if (g_candidates[i].rung >= Rung::finish) subjects[asked++] = g_candidates[i].subject;
    }
    if (asked == 0 || !clerk::look_around(subjects, asked)) return;
    for (std::uint32_t i = 0, at = 0; i < count; i++) {
      if (g_candidates[i].rung >= Rung::finish) g_candidates[i].subject = subjects[at++];
    }
  }

  Refusal act(Candidate& candidate) {
    Accusation& accusation = *candidate.accusation;
    Slot* slot = recorder::slot_at(recording_, accusation.fd);
    if (slot == nullptr || accusation.cookie != candidate.cookie ||
        !claim::take(*slot, word_generation(candidate.word)))
      return Refusal::changed;
    AuditEntry entry;
    entry.reclaim = purpose_ == Purpose::reclaim;
    acts::Outcome outcome;
    const Refusal refusal = act_on_claimed(candidate, *slot, entry, outcome);
    if (refusal != Refusal::none) {
      claim::give_back(*slot, 0, 0);
      return refusal;
    }
    if (outcome.closed) {
      table::closed_by_hand(*slot, accusation.fd);
      recording_->closed.fetch_add(1, std::memory_order_relaxed);
    } else {
      claim::give_back(*slot, outcome.set_flags, 0);
    }
    return write_down(accusation, entry, outcome);
  }

  // The questions once more: nobody can take the number away now.
  Refusal act_on_claimed(Candidate& candidate, Slot& slot, AuditEntry& entry, acts::Outcome& outcome) {
    const Accusation& accusation = *candidate.accusation;
    const std::uint64_t word = slot.word.load(std::memory_order_acquire);
    // Taken back meanwhile, or its record is another socket's by now.
    if (accusation.ended_ns.load(std::memory_order_acquire) != 0 || accusation.cookie != candidate.cookie)
      return Refusal::changed;
    const LeakFacts leak = leak_of(accusation, slot, word);
    const Plan plan = plan_for(policy_, facts_, leak);
    if (!plan.allowed()) return plan.refusal;
    if (plan.rung != candidate.rung) return Refusal::changed;
    KernelFacts kernel;
    if (const Refusal refusal = ask_kernel(accusation, plan.rung, leak, kernel); refusal != Refusal::none)
      return refusal;
    if (plan.rung == Rung::park && !may_begin_dead_end(leak, kernel)) return Refusal::no_dead_end;
    describe(entry, accusation, plan.rung, leak);
    switch (plan.rung) {
      case Rung::probe:
        outcome = acts::probe(accusation.fd, slot, now_ns_);
        break;
      case Rung::finish:
        outcome = acts::finish(accusation.fd);
        break;
      case Rung::park:
        outcome = acts::park(candidate.subject, slot);
        break;
      case Rung::close:
        outcome = acts::close_number(candidate.subject, slot);
        break;
      case Rung::observe:
        return Refusal::observing;
    }
    if (!outcome.closed) {
      KernelFacts after;
      if (probe_tcp(static_cast<int>(accusation.fd), now_ns_, after)) entry.state_after = after.state;
    }
    return Refusal::none;
  }

  void describe(AuditEntry& entry, const Accusation& accusation, Rung rung, const LeakFacts& leak) const {
    KernelFacts before;
    const int fd = static_cast<int>(accusation.fd);
    if (probe_tcp(fd, now_ns_, before)) entry.state_before = before.state;
    entry.recv_q = before.unread;
    entry.send_q = before.unsent;
    entry.rung = rung;
    entry.group = accusation.group;
    entry.fd = accusation.fd;
    entry.cookie = accusation.cookie;
    entry.addresses = {accusation.local, accusation.peer, accusation.inode};
    entry.idle_ns = leak.idle_ns;
    entry.open_ns = now_ns_ - std::min(accusation.opened_ns, now_ns_);
  }

  Refusal write_down(Accusation& accusation, AuditEntry& entry, const acts::Outcome& outcome) {
    entry.error = outcome.error;
    entry.waits = outcome.waits;
    entry.outcome = outcome.error == 0 ? Refusal::none : Refusal::failed;
    entry.realtime_ns = realtime_ns();
    clerk::note(entry);
    if (outcome.error != 0) return Refusal::failed;
    acted_++;
    auto& ladder = area<GroupLadder>(recording_, recording_->ladder_at)[accusation.group];
    const auto before = static_cast<Rung>(accusation.reached.load(std::memory_order_relaxed));
    accusation.reached.store(static_cast<std::uint8_t>(outcome.reached), std::memory_order_relaxed);
    ladder.acted[static_cast<std::size_t>(outcome.reached)].fetch_add(1, std::memory_order_relaxed);
    if (before < Rung::finish && outcome.reached >= Rung::finish) {
      recording_->mitigated.fetch_add(1, std::memory_order_relaxed);
      take_token();
    } else if (outcome.reached == Rung::probe) {
      take_token();
    }
    // What is closed needs no record any more: its group has counted it, and the next one may need the room.
    std::uint64_t still_accused = 0;
    if (outcome.closed) accusation.ended_ns.compare_exchange_strong(still_accused, now_ns_);
    return outcome.waits ? Refusal::no_dead_end : Refusal::done;
  }

  void take_token() {
    if (purpose_ == Purpose::act) g_rate.take(1);
    to_act_ -= std::min(to_act_, 1U);
  }

  // How many are refused, and why: per group, as it is now.
  void tally(std::uint32_t used) {
    const std::uint32_t groups =
        std::min(recording_->groups_used.load(std::memory_order_acquire), kMaxGroups);
    auto* ladders = area<GroupLadder>(recording_, recording_->ladder_at);
    static std::uint32_t counts[kMaxGroups][kRefusals];
    std::fill_n(&counts[0][0], groups * kRefusals, 0U);
    for (std::uint32_t i = 0; i < used; i++) {
      const Accusation& accusation = area<Accusation>(recording_, recording_->accusations_at)[i];
      if (accusation.ready.load(std::memory_order_acquire) == 0 || accusation.ended_ns.load() != 0) continue;
      const Refusal refusal = plan_refusal(accusation.plan.load(std::memory_order_relaxed));
      if (accusation.group < groups) counts[accusation.group][static_cast<std::size_t>(refusal)]++;
    }
    for (std::uint32_t group = 0; group < groups; group++) {
      tell_if_off(ladders[group], group);
      for (std::uint32_t i = 0; i < kRefusals; i++)
        ladders[group].refused[i].store(counts[group][i], std::memory_order_relaxed);
    }
  }

  void tell_if_off(GroupLadder& ladder, std::uint32_t group) const {
    const std::uint32_t flags = ladder.flags.load(std::memory_order_acquire);
    if ((flags & ladder_flag::off) == 0 || (flags & ladder_flag::told) != 0) return;
    ladder.flags.fetch_or(ladder_flag::told, std::memory_order_relaxed);
    AuditEntry entry;
    entry.kind = AuditEntry::Kind::off_ladder;
    entry.group = group;
    entry.used_by = static_cast<Operation>(ladder.off_operation.load(std::memory_order_relaxed));
    entry.realtime_ns = realtime_ns();
    clerk::note(entry);
  }

  Header* recording_;
  LadderControl& control_;
  const LadderPolicy& policy_;
  std::uint32_t sequence_;
  Purpose purpose_;
  std::uint64_t now_ns_;
  ProcessFacts facts_;
  std::uint32_t to_act_ = 0;
  std::uint32_t acted_ = 0;
  std::uint32_t dead_ends_begun_ = 0;
  std::uint64_t next_ready_ns_ = ~std::uint64_t{0};
};

}  // namespace

std::uint64_t realtime_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

RoundResult run_round(Header* recording, const LadderPolicy& policy, std::uint32_t sequence,
                      Purpose purpose) {
  Round round(recording, policy, sequence, purpose);
  round.run();
  return round.result();
}

}  // namespace socktrack::hand
