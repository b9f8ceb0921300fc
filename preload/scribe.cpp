#include "preload/scribe.h"

#include <sys/prctl.h>

#include <atomic>
#include <ctime>
#include <exception>
#include <memory>

#include "preload/json_target.h"
#include "preload/log.h"
#include "preload/private_table.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/snapshot.h"
#include "preload/thread.h"
#include "preload/watcher.h"
#include "watch/atomic_file.h"
#include "watch/render.h"
#include "watch/report_builder.h"
#include "watch/suppressions.h"
#include "watch/symbol_table_names.h"
#include "watch/vocabulary.h"

namespace socktrack::scribe {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::atomic<std::uint32_t> g_asked{0};  // Request bits; the scribe takes them
std::atomic<std::uint32_t> g_done{0};   // counts rounds of work done for `end`
std::atomic<bool> g_running{false};
std::atomic<bool> g_alone{true};  // until the kernel refuses

constexpr std::uint64_t kNoReport = ~std::uint64_t{0};
std::atomic<std::uint64_t> g_leaked{kNoReport};

constexpr std::uint32_t bits(Request request) { return static_cast<std::uint32_t>(request); }
constexpr std::uint32_t kAwaited =
    bits(Request::end) | bits(Request::count_leaks) | bits(Request::show_leaks);  // somebody waits for g_done

constexpr std::uint32_t kInquiries = bits(Request::inquiry) | bits(Request::inquiry_at_end);

// Read when first needed, by the scribe. No static of a function: a child forked meanwhile would find its
// guard taken for ever.
Suppressions* g_suppressions = nullptr;

const Suppressions& suppressions() {
  if (g_suppressions != nullptr) return *g_suppressions;
  auto* made = new Suppressions;
  made->add_ignored(recorder::options.ignore);
  try {
    if (recorder::options.suppress[0] != '\0') made->add_file(recorder::options.suppress);
  } catch (const SuppressionError& error) {
    log::warn(std::string(error.what()) + "; the rules of this file are left out");
    *made = Suppressions();
    made->add_ignored(recorder::options.ignore);
  }
  return *(g_suppressions = made);
}
std::atomic<std::uint32_t> g_thread{0};

Report current_report() {
  const Header* recording = recorder::recording();
  // Never destroyed: the last report is written after the destructors of static objects ran.
  static SymbolTableNames& names = *new SymbolTableNames;
  const bool ended = recording->ended_by.load(std::memory_order_acquire) != 0;
  ProcessFate fate;
  fate.running = !ended;
  if (ended) fate.exit_status = static_cast<int>(recording->exit_status.load());
  Report report;
  report.complete = recording->final_sweep.load() != 0;
  report.processes.push_back(build_process(snapshot_of_recording(), fate, names));
  suppressions().apply(report);
  g_leaked.store(report.processes[0].leaked, std::memory_order_release);
  return report;
}

void write_json(const Report& report) {
  const std::string path = json_target::path();
  if (path.empty()) return;
  const std::string problem = write_file_atomically(path, render_json(report));
  if (!problem.empty()) log::warn(problem);
}

// Silence must mean that nothing was found, so it is broken when something could not be kept.
void confess() {
  for (const BlindSpot spot : {BlindSpot::table_full, BlindSpot::sandboxed, BlindSpot::split_table}) {
    if (recorder::count_of(spot) > 0) log::warn(sentence_of(spot));
  }
}

void serve(std::uint32_t asked) {
  Report report = current_report();
  const auto wants = [&](Request request) { return (asked & bits(request)) != 0; };
  if (!wants(Request::end)) report.notes.clear();  // a rule that met nothing so far may do so yet
  if (wants(Request::short_of_descriptors)) {
    log::warn("the program ran out of descriptors (EMFILE): " + std::to_string(report.processes[0].fds_open) +
              " of " + std::to_string(report.processes[0].fds_limit) + " are open");
  }
  const ProcessReport& process = report.processes[0];
  const bool anything = !process.groups.empty() || !process.open_at_exit.empty();
  const bool is_news = (asked & ~kAwaited) != 0 || wants(Request::end);
  const bool is_answer = wants(Request::show_leaks) && process.leaked > 0;
  if ((anything && is_news) || is_answer) log::report(render_text(report, {}));
  if (wants(Request::end)) {
    confess();
    write_json(report);
  }
}

void* write_loop(void*) {
  process::ours = true;
  raw_syscall(SYS_prctl, PR_SET_NAME, reg("socktrack-log"));
  g_thread.store(process::thread_id(), std::memory_order_release);
  const bool alone = enter_private_table();
  g_alone.store(alone, std::memory_order_release);
  bool log_is_open = false;
  for (;;) {
    const std::uint32_t asked = g_asked.exchange(0, std::memory_order_acq_rel);
    if (asked == 0) {
      wait_for_change(g_asked, 0, 3600 * kSecond);
      continue;
    }
    const auto wants = [&](Request request) { return (asked & bits(request)) != 0; };
    const bool at_end = wants(Request::inquiry_at_end);
    if (alone && (at_end || wants(Request::inquiry))) watcher::answer(at_end);
    const bool to_write = (asked & ~(kInquiries | bits(Request::leave))) != 0;
    try {
      if (alone && to_write && !log_is_open) log::open(recorder::options);
      log_is_open = log_is_open || to_write;
      if (alone && to_write) serve(asked & ~kInquiries);
    } catch (const std::exception&) {
      // Nowhere to say it: this thread is the voice. The recording keeps everything.
    }
    if (at_end || (asked & kAwaited) != 0) {
      g_done.fetch_add(1, std::memory_order_release);
      wake_all(g_done);
    }
    if ((asked & static_cast<std::uint32_t>(Request::leave)) != 0) return nullptr;
  }
}

}  // namespace

void ask(Request request) {
  g_asked.fetch_or(static_cast<std::uint32_t>(request), std::memory_order_acq_rel);
  if (!g_running.exchange(true) && !start_thread(write_loop, 1024UL * 1024)) g_running.store(false);
  wake_all(g_asked);
}

void ask_and_wait(Request request, std::uint64_t nanoseconds) {
  const std::uint32_t before = g_done.load(std::memory_order_acquire);
  ask(request);
  if (!g_running.load()) return;
  const std::uint64_t deadline = recorder::now_ns() + nanoseconds;
  while (g_done.load(std::memory_order_acquire) == before) {
    const std::uint64_t now = recorder::now_ns();
    if (now >= deadline) return;
    wait_for_change(g_done, before, deadline - now);
  }
}

std::uint64_t leaked(std::uint64_t unknown) {
  const std::uint64_t known = g_leaked.load(std::memory_order_acquire);
  return known == kNoReport ? unknown : known;
}

bool is_running() { return g_running.load(); }

bool can_open() { return g_alone.load(std::memory_order_acquire); }

void retire() {
  if (!g_running.load()) return;
  ask(Request::leave);
  await_end_of_thread(process::pid(), g_thread);
  log::forget();
  g_running.store(false);
}

void after_fork() {
  g_leaked.store(kNoReport, std::memory_order_relaxed);
  g_running.store(false, std::memory_order_relaxed);
  g_asked.store(0, std::memory_order_relaxed);
  g_thread.store(0, std::memory_order_relaxed);
  log::forget();
}

}  // namespace socktrack::scribe
