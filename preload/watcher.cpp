#include "preload/watcher.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>

#include "preload/hand.h"
#include "preload/json_target.h"
#include "preload/last_thread.h"
#include "preload/private_table.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/ring_sockets.h"
#include "preload/scribe.h"
#include "preload/streams.h"
#include "preload/table.h"
#include "preload/thread.h"
#include "watch/raw_syscall.h"
#include "watch/severity.h"
#include "watch/sweep.h"
#include "watch/vocabulary.h"

namespace socktrack::watcher {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kMoment = 20 * kMillisecond;

std::atomic<std::uint32_t> g_wake{0};
std::atomic<bool> g_running{false};
std::atomic<bool> g_stop{false};
std::atomic<bool> g_counting{false};  // a thread waits for the answer of leaks_now()
std::atomic<std::uint32_t> g_thread{0};
std::atomic<bool> g_shortage{false};  // to be told after the next sweep
std::atomic<std::uint64_t> g_shortage_told_ns{0};
std::atomic<std::uint64_t> g_next_inquiry_ns{0};
std::atomic<std::uint32_t> g_leaving_tid{0};
sigset_t g_programs_mask;

void untrack(std::uint32_t fd, std::uint64_t word) {
  Header* recording = recorder::recording();
  const Slot* slot = recorder::slot_at(recording, fd);
  if (slot != nullptr && word_generation(slot->word.load()) == word_generation(word))
    table::lost(static_cast<int>(fd));
}

SweepHost host_of(Header* recording, bool can_inquire = false) {
  return {recording, table::tracked_bits, recorder::touch, untrack, can_inquire};
}

SweepResult sweep_now(SweepKind kind, bool can_inquire) {
  Header* recording = recorder::recording();
  if (recording == nullptr) return {};
  streams::collect_sightings();
  ring_sockets::adopt(*recording, kind != SweepKind::regular);
  return sweep(host_of(recording, can_inquire), kind, recorder::now_ns());
}

bool can_inquire() { return recorder::options.watcher && scribe::can_open(); }

// Of the calling thread.
std::uint64_t cpu_time_ns() {
  timespec used{};
  raw_syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, reg(&used));
  return static_cast<std::uint64_t>(used.tv_sec) * kSecond + static_cast<std::uint64_t>(used.tv_nsec);
}

// An inquiry reads all of /proc: at most one per cent of a core goes into it. Not counted by the clock on the
// wall: on a busy machine the answers would come when the program has long ended.
void ask_for_answers() {
  if (recorder::now_ns() >= g_next_inquiry_ns.load(std::memory_order_relaxed))
    scribe::ask(scribe::Request::inquiry);
}

// A sweep of the prober takes milliseconds; others wait for it, but not for ever.
template <typename Attempt>
bool try_for_a_second(Attempt attempt) {
  for (int i = 0; i < 1000; i++) {
    if (attempt()) return true;
    const timespec pause{0, kMillisecond};
    raw_syscall(SYS_nanosleep, reg(&pause), 0);
  }
  return false;
}

void tell(const SweepResult& result) {
  if (g_shortage.exchange(false)) {
    scribe::ask(scribe::Request::short_of_descriptors);
  } else if (result.new_groups > 0) {
    scribe::ask(scribe::Request::new_groups);
  }
}

// The program has no thread left but us: the prober leaves, and with it the process.
bool leaves_with_the_program() {
  const unsigned others = (scribe::is_running() ? 1U : 0U) + (hand::has_clerk() ? 1U : 0U);
  if (last_thread::programs_threads(1 + others) != 0) return false;
  hand::retire();
  scribe::retire();
  return last_thread::programs_threads(1) == 0 && last_thread::start_stand_in(g_programs_mask, g_thread);
}

void* probe_loop(void*) {
  process::ours = true;
  raw_syscall(SYS_prctl, PR_SET_NAME, reg("socktrack"));
  g_thread.store(process::thread_id(), std::memory_order_release);
  note_table_thread();
  const std::uint64_t interval = sweep_interval_ns(recorder::options);
  while (!g_stop.load(std::memory_order_acquire)) {
    const std::uint32_t seen = g_wake.load(std::memory_order_acquire);
    const SweepResult result = sweep_now(SweepKind::regular, can_inquire());
    if (result.wants_inquiry) ask_for_answers();
    if (recorder::reports_itself()) tell(result);
    hand::round();
    const bool alone_soon = last_thread::main_is_gone();
    if (alone_soon && leaves_with_the_program()) break;
    // The command changes settings in shared memory, where nobody rings: an order must not wait for long.
    if (!hand::is_wanted()) wait_for_change(g_wake, seen, alone_soon ? kMoment : std::min(interval, kSecond));
  }
  return nullptr;
}

bool is_worth_a_report(const Header& recording) {
  return recording.groups_used.load(std::memory_order_acquire) > 0 || json_target::path()[0] != '\0' ||
         recorder::count_of(BlindSpot::table_full) > 0 || recorder::count_of(BlindSpot::sandboxed) > 0 ||
         recorder::count_of(BlindSpot::split_table) > 0;
}

}  // namespace

void start() {
  if (!recorder::options.watcher || g_running.exchange(true)) return;
  if (process::is_walled_off() || !start_thread(probe_loop, 128UL * 1024, &g_programs_mask)) {
    g_running.store(false);
    recorder::count(BlindSpot::no_watcher_thread);
  }
}

bool retire() {
  const bool was_running = g_running.load();
  if (was_running) {
    g_stop.store(true, std::memory_order_release);
    g_wake.fetch_add(1, std::memory_order_release);
    wake_all(g_wake);
    await_end_of_thread(process::pid(), g_thread);
    g_running.store(false);
  }
  hand::retire();
  scribe::retire();  // after the prober, which asks for it
  return was_running;
}

void resume() {
  g_stop.store(false, std::memory_order_release);
  start();
}

void after_fork() {
  last_thread::after_fork();
  ring_sockets::after_fork();
  forget_table_thread();
  g_thread.store(0, std::memory_order_relaxed);
  g_running.store(false, std::memory_order_relaxed);
  g_counting.store(false, std::memory_order_relaxed);
  g_stop.store(false, std::memory_order_relaxed);
  scribe::after_fork();
  hand::after_fork();
}

void main_thread_leaves() {
  last_thread::main_leaves();
  g_wake.fetch_add(1, std::memory_order_release);
  wake_all(g_wake);
}

void look_once() { sweep_now(SweepKind::regular, false); }

bool last_sweep() {
  g_stop.store(true, std::memory_order_release);  // the prober starts no other
  hand::stop();
  SweepResult result;
  const bool done = try_for_a_second([&] {
    result = sweep_now(SweepKind::at_exit, can_inquire());
    return result.ran;
  });
  if (!done || !result.wants_inquiry) return done;
  g_leaving_tid.store(process::thread_id(), std::memory_order_relaxed);
  scribe::ask_and_wait(scribe::Request::inquiry_at_end, 2 * kSecond);
  return try_for_a_second([] { return sweep_now(SweepKind::at_exit, false).ran; });
}

void answer(bool at_end) {
  Header* recording = recorder::recording();
  if (recording == nullptr) return;
  const std::uint64_t start = cpu_time_ns();
  SweepResult result;
  SweepHost host = host_of(recording, true);
  if (at_end) host.leaving_tid = g_leaving_tid.load(std::memory_order_relaxed);
  try_for_a_second([&] { return inquire(host, at_end, recorder::now_ns(), result); });
  const std::uint64_t used = cpu_time_ns() - start;
  g_next_inquiry_ns.store(recorder::now_ns() + 100 * used, std::memory_order_relaxed);
  if (at_end) return;
  if (recorder::reports_itself()) tell(result);
  g_wake.fetch_add(1, std::memory_order_release);  // the verdicts that waited can be spoken
  wake_all(g_wake);
}

void last_look_at(std::uint32_t fd) {
  Header* recording = recorder::recording();
  if (recording == nullptr) return;
  try_for_a_second([&] { return sweep_one(host_of(recording), fd, recorder::now_ns()).ran; });
}

void report_at_end() {
  const Header* recording = recorder::recording();
  if (!recorder::reports_itself() || recording == nullptr || !is_worth_a_report(*recording)) return;
  if (!process::apart) note_waiting_thread();
  scribe::ask_and_wait(scribe::Request::end, 5 * kSecond);
}

void short_of_descriptors() {
  Header* recording = recorder::recording();
  if (recording == nullptr) return;
  recording->emfile.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t now = recorder::now_ns();
  std::uint64_t told = g_shortage_told_ns.load(std::memory_order_relaxed);
  if (told != 0 && now - told < 10 * kSecond) return;
  if (!g_shortage_told_ns.compare_exchange_strong(told, now)) return;
  g_shortage.store(true);
  wake();
}

void wake() {
  g_wake.fetch_add(1, std::memory_order_release);
  wake_all(g_wake);
}

bool is_running() {
  return g_running.load(std::memory_order_relaxed) && !g_stop.load(std::memory_order_relaxed);
}

void sweep_again() { sweep_now(SweepKind::regular, can_inquire()); }

namespace {

// A thread may be on its way from the end of a stream to its close(): what is too fresh is looked at again,
// for a while. On a busy server there is always something fresh.
void look_until_settled() {
  constexpr int kLooks = 25;
  for (int i = 0; i < kLooks; i++) {
    SweepResult result;
    if (!try_for_a_second([&] { return (result = sweep_now(SweepKind::now, false)).ran; })) return;
    if (result.too_fresh == 0) return;
    const timespec pause{0, 10 * kMillisecond};
    raw_syscall(SYS_nanosleep, reg(&pause), 0);
  }
}

}  // namespace

std::uint64_t leaked() {
  const Header* recording = recorder::recording();
  if (recording == nullptr) return 0;
  const std::uint64_t all = leaked_in(*recording);
  if (all == 0 || !has_suppressions(recorder::options)) return all;
  // Rules are about names, and only the scribe has those. If it could not tell, nothing is suppressed.
  return scribe::leaked(all);
}

// One at a time: the scribe's answer to one must not be taken for the answer to another.
std::uint64_t leaks_now(bool report) {
  if (recorder::recording() == nullptr) return 0;
  const bool alone = try_for_a_second([] { return !g_counting.exchange(true, std::memory_order_acquire); });
  look_until_settled();
  if (report || has_suppressions(recorder::options)) {
    scribe::ask_and_wait(report ? scribe::Request::show_leaks : scribe::Request::count_leaks, 5 * kSecond);
  }
  const std::uint64_t count = leaked();
  if (alone) g_counting.store(false, std::memory_order_release);
  return count;
}

}  // namespace socktrack::watcher
