#include "cli/top_source.h"

#include <signal.h>
#include <time.h>

#include <vector>

#include "cli/dwarf_names.h"
#include "cli/live_recordings.h"
#include "watch/recording_reader.h"
#include "watch/report_builder.h"

namespace socktrack {
namespace {

std::string local_time() {
  const time_t now = time(nullptr);
  tm parts{};
  char text[16] = "";
  if (localtime_r(&now, &parts) != nullptr) strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

}  // namespace

Snapshot TopReader::read(Names& names) {
  std::map<std::string, ProcessReport> seen;
  const std::vector<LiveRecording> live =
      pid_ == 0 ? live_recordings() : std::vector<LiveRecording>{live_recording_in(pid_)};
  for (const LiveRecording& each : live) {
    if (each.path.empty()) continue;
    try {
      ProcessFate fate;
      fate.running = true;
      ProcessReport process = build_process(RecordingView::of_file(each.path), fate, names);
      process.pid = each.pid;
      seen[each.path + ' ' + std::to_string(each.pid)] = std::move(process);
    } catch (const RecordingError&) {
      continue;  // being created, or gone this moment
    }
  }
  // Whoever has ended: with its last words, if the recording is still there.
  for (auto& [key, process] : last_) {
    if (seen.contains(key)) continue;
    if (process.running) {
      try {
        const int pid = process.pid;
        process = build_process(RecordingView::of_file(process.recording), ProcessFate{}, names);
        process.pid = pid;
      } catch (const RecordingError&) {
        process.running = false;
      }
    }
    seen[key] = std::move(process);
  }
  last_ = std::move(seen);
  auto report = std::make_shared<Report>();
  for (const auto& [key, process] : last_) report->processes.push_back(process);
  return {report, local_time()};
}

TopSource::TopSource(int pid, std::chrono::milliseconds interval) : reader_(pid), interval_(interval) {
  // Signals are for the thread that has the terminal.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TopSource::~TopSource() {
  {
    const std::lock_guard guard(lock_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void TopSource::work() {
  const std::unique_ptr<Names> names = make_dwarf_names();
  std::unique_lock guard(lock_);
  while (!ends_) {
    guard.unlock();
    Snapshot snapshot = reader_.read(*names);
    guard.lock();
    latest_ = std::move(snapshot);
    ++number_;
    hurries_ = false;
    changed_.wait_for(guard, interval_, [this] { return ends_ || hurries_; });
  }
}

bool TopSource::newer_than(std::uint64_t& number, Snapshot& snapshot) {
  const std::lock_guard guard(lock_);
  if (number == number_) return false;
  number = number_;
  snapshot = latest_;
  return true;
}

void TopSource::hurry() {
  {
    const std::lock_guard guard(lock_);
    hurries_ = true;
  }
  changed_.notify_all();
}

}  // namespace socktrack
