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
#include "preload/thread.h"
#include "watch/atomic_file.h"
#include "watch/render.h"
#include "watch/report_builder.h"
#include "watch/symbol_table_names.h"
#include "watch/vocabulary.h"

namespace socktrack::scribe {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::atomic<std::uint32_t> g_asked{0};  // Request bits; the scribe takes them
std::atomic<std::uint32_t> g_done{0};   // counts rounds of work done for `end`
std::atomic<bool> g_running{false};

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
  report.processes.push_back(
      build_process(RecordingView::of_memory(recording, recording->total_size), fate, names));
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
  if (recorder::count_of(BlindSpot::table_full) > 0) log::warn(sentence_of(BlindSpot::table_full));
}

void serve(std::uint32_t asked) {
  const Report report = current_report();
  const auto wants = [&](Request request) { return (asked & static_cast<std::uint32_t>(request)) != 0; };
  if (wants(Request::short_of_descriptors)) {
    log::warn("the program ran out of descriptors (EMFILE): " + std::to_string(report.processes[0].fds_open) +
              " of " + std::to_string(report.processes[0].fds_limit) + " are open");
  }
  const ProcessReport& process = report.processes[0];
  const bool anything = !process.groups.empty() || !process.open_at_exit.empty();
  if (anything) log::report(render_text(report, {}));
  if (wants(Request::end)) {
    confess();
    write_json(report);
  }
}

void* write_loop(void*) {
  process::ours = true;
  prctl(PR_SET_NAME, "socktrack-log");
  const bool alone = enter_private_table();
  if (alone) log::open(recorder::options);
  for (;;) {
    const std::uint32_t asked = g_asked.exchange(0, std::memory_order_acq_rel);
    if (asked == 0) {
      wait_for_change(g_asked, 0, 3600 * kSecond);
      continue;
    }
    try {
      if (alone) serve(asked);
    } catch (const std::exception&) {
      // Nowhere to say it: this thread is the voice. The recording keeps everything.
    }
    if ((asked & static_cast<std::uint32_t>(Request::end)) != 0) {
      g_done.fetch_add(1, std::memory_order_release);
      wake_all(g_done);
    }
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

void after_fork() {
  g_running.store(false, std::memory_order_relaxed);
  g_asked.store(0, std::memory_order_relaxed);
  log::forget();
}

}  // namespace socktrack::scribe
