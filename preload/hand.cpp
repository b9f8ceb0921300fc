#include "preload/hand.h"

#include <algorithm>
#include <atomic>

#include "preload/acts.h"
#include "preload/clerk.h"
#include "preload/mitigated.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/round.h"
#include "preload/table.h"
#include "preload/thread.h"
#include "preload/watcher.h"
#include "watch/eligibility.h"
#include "watch/ladder_words.h"

namespace socktrack::hand {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kRoundsApart = 50 * kMillisecond;  // marking and acting are two rounds
constexpr std::uint64_t kWorthWaiting = 500 * kMillisecond;
constexpr std::uint64_t kLeastPatience = 100 * kMillisecond;  // of the verdicts

std::atomic<bool> g_stop{false};
std::atomic<std::uint32_t> g_asked{0};   // by calls that failed for lack of descriptors
std::atomic<std::uint32_t> g_served{0};  // up to which of them
std::atomic<std::uint32_t> g_freed{0};   // numbers, by the latest service
LadderPolicy g_policy;                   // the hand's copy of what is in force
std::uint64_t g_round_ns = 0;

template <typename T>
T* area(Header* recording, std::uint64_t at) {
  return reinterpret_cast<T*>(reinterpret_cast<char*>(recording) + at);
}

LadderControl& control_of(Header* recording) {
  return *area<LadderControl>(recording, recording->control_at);
}

// The groups' ladders are written without asking further: their pages are made usable here.
bool names_are_known(Header* recording) {
  const std::uint32_t groups = std::min(recording->groups_used.load(std::memory_order_acquire), kMaxGroups);
  const auto* ladders = area<GroupLadder>(recording, recording->ladder_at);
  bool known = true;
  for (std::uint32_t i = 0; i < groups; i++) {
    if (!recorder::touch(&ladders[i], sizeof ladders[i])) return false;
    known = known && ladders[i].fingerprint.load(std::memory_order_relaxed) != 0;
  }
  return known || clerk::name_groups();
}

// The kill switch: nothing of ours stays behind, and nothing is refused where nothing is asked.
void stand_down(Header* recording) {
  acts::restore_probes(recorder::now_ns(), true);
  control_of(recording).armed.store(0, std::memory_order_relaxed);
  const std::uint32_t groups = std::min(recording->groups_used.load(std::memory_order_acquire), kMaxGroups);
  auto* ladders = area<GroupLadder>(recording, recording->ladder_at);
  for (std::uint32_t i = 0; i < groups; i++) {
    if (!recorder::touch(&ladders[i], sizeof ladders[i])) return;
    for (auto& refused : ladders[i].refused) refused.store(0, std::memory_order_relaxed);
  }
}

// Takes over what is in force. False: it is being written this moment.
bool take_settings(Header* recording, LadderControl& control) {
  const std::uint32_t sequence = control.active.sequence.load(std::memory_order_acquire);
  if (sequence == control.applied.load(std::memory_order_relaxed)) return true;
  LadderPolicy policy;
  const std::uint32_t loaded = load_policy(control.active, policy);
  if (loaded == 0) return false;
  if (policy.rung == Rung::close && policy.allowed_count > 0) mitigated::begin_reclaiming();
  const bool first = control.applied.load(std::memory_order_relaxed) == 0;
  g_policy = policy;
  if (policy.rung == Rung::observe) stand_down(recording);
  if (!first || policy.rung != Rung::observe) {
    AuditEntry entry;
    entry.kind = AuditEntry::Kind::settings;
    entry.rung = policy.rung;
    entry.realtime_ns = realtime_ns();
    clerk::note(entry);
  }
  control.applied.store(loaded, std::memory_order_release);
  return true;
}

void answer_dry_run(Header* recording, LadderControl& control) {
  if (control.proposed.sequence.load(std::memory_order_acquire) ==
      control.planned.load(std::memory_order_relaxed))
    return;
  LadderPolicy policy;
  const std::uint32_t sequence = load_policy(control.proposed, policy);
  if (sequence == 0 || !names_are_known(recording)) return;
  run_round(recording, policy, sequence, Purpose::answer);
  control.planned.store(sequence, std::memory_order_release);
}

// When the earliest of the dead will be old enough to be accused and closed.
std::uint64_t next_suspect_ns(Header* recording) {
  const std::uint64_t patience = std::max({recording->grace_ns, g_policy.after_ns, kLeastPatience});
  std::uint64_t next = ~std::uint64_t{0};
  table::for_each_tracked([&](std::uint32_t fd) {
    const Slot* slot = fd < recording->slot_count ? recorder::slot_at(recording, fd) : nullptr;
    if (slot == nullptr || slot->accusation.load(std::memory_order_relaxed) != 0) return;
    const std::uint32_t generation = word_generation(slot->word.load(std::memory_order_relaxed));
    const std::uint64_t dead_since = slot->dead_since_ns.load(std::memory_order_relaxed);
    if (slot->watched_generation.load(std::memory_order_acquire) == generation && dead_since != 0)
      next = std::min(next, dead_since + patience);
  });
  return next;
}

void sleep_until(std::uint64_t time_ns) {
  const std::uint64_t now = recorder::now_ns();
  if (time_ns <= now) return;
  const std::atomic<std::uint32_t> nobody{0};
  wait_for_change(nobody, 0, time_ns - now);
}

// Calls of the program wait: sweep, close what may be closed, and while something is about to become old
// enough, wait for that.
std::uint32_t reclaim_now(Header* recording, LadderControl& control) {
  const std::uint64_t deadline = recorder::now_ns() + kWorthWaiting;
  for (;;) {
    watcher::sweep_again();
    if (!names_are_known(recording)) return 0;
    const std::uint32_t sequence = control.applied.load(std::memory_order_relaxed);
    const RoundResult result = run_round(recording, g_policy, sequence, Purpose::reclaim);
    const std::uint64_t next = std::min(result.next_ready_ns, next_suspect_ns(recording));
    if (result.acted > 0 || next > deadline || is_stopped()) return result.acted;
    sleep_until(std::max(next, recorder::now_ns()) + 5 * kMillisecond);
  }
}

void serve_reclaims(Header* recording, LadderControl& control) {
  const std::uint32_t asked = g_asked.load(std::memory_order_acquire);
  if (asked == g_served.load(std::memory_order_relaxed)) return;
  const bool may_close = g_policy.rung == Rung::close && g_policy.allowed_count > 0;
  g_freed.store(may_close ? reclaim_now(recording, control) : 0, std::memory_order_relaxed);
  g_served.store(asked, std::memory_order_release);
  wake_all(g_served);
}

}  // namespace

bool is_stopped() { return g_stop.load(std::memory_order_acquire) || !watcher::is_running(); }

void prepare(Header* recording) {
  LadderControl& control = control_of(recording);
  if (!recorder::touch(&control, sizeof control)) return;
  store_policy(control.active, recorder::options.ladder);
}

bool is_wanted() {
  return g_asked.load(std::memory_order_acquire) != g_served.load(std::memory_order_acquire);
}

void round() {
  Header* recording = recorder::recording();
  if (recording == nullptr || is_stopped()) return;
  LadderControl& control = control_of(recording);
  if (!recorder::touch(&control, sizeof control) || !take_settings(recording, control)) return;
  answer_dry_run(recording, control);
  serve_reclaims(recording, control);
  const std::uint64_t now = recorder::now_ns();
  acts::restore_probes(now, false);
  if (g_policy.rung == Rung::observe || now - g_round_ns < kRoundsApart || !names_are_known(recording))
    return;
  g_round_ns = now;
  run_round(recording, g_policy, control.applied.load(std::memory_order_relaxed), Purpose::act);
  control.rounds.fetch_add(1, std::memory_order_relaxed);
}

bool reclaim() {
  Header* recording = recorder::recording();
  if (recording == nullptr || !watcher::is_running()) return false;
  LadderControl& control = control_of(recording);
  if (control.active.rung.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(Rung::close))
    return false;
  if (control.active.allowed_count.load(std::memory_order_relaxed) == 0) return false;
  const std::uint32_t ticket = g_asked.fetch_add(1, std::memory_order_acq_rel) + 1;
  watcher::wake();
  const std::uint64_t deadline =
      recorder::now_ns() + 4 * kWorthWaiting;  // the service keeps its own, shorter one
  for (;;) {
    const std::uint32_t served = g_served.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(served - ticket) >= 0) break;
    const std::uint64_t now = recorder::now_ns();
    if (now >= deadline) return false;
    wait_for_change(g_served, served, deadline - now);
  }
  const bool freed = g_freed.load(std::memory_order_relaxed) > 0;
  (freed ? control.reclaimed : control.not_reclaimed).fetch_add(1, std::memory_order_relaxed);
  return freed;
}

void stop() {
  g_stop.store(true, std::memory_order_release);
  clerk::finish();
}

void retire() { clerk::retire(); }
bool has_clerk() { return clerk::is_running(); }

void after_fork() {
  g_stop.store(false, std::memory_order_relaxed);
  g_served.store(g_asked.load(std::memory_order_relaxed), std::memory_order_relaxed);
  g_round_ns = 0;
  acts::after_fork();
  clerk::after_fork();
}

}  // namespace socktrack::hand
