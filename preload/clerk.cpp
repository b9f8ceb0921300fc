#include "preload/clerk.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <string>

#include "preload/private_table.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/recording_file.h"
#include "preload/snapshot.h"
#include "preload/thread.h"
#include "watch/fingerprint.h"
#include "watch/raw_syscall.h"
#include "watch/symbol_table_names.h"

namespace socktrack::clerk {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kRing = 4 * kMostSubjects;  // what some rounds without a limit can do

enum class Question : std::uint32_t { none, names, surroundings };

std::atomic<bool> g_running{false};
std::atomic<bool> g_leave{false};
std::atomic<std::uint32_t> g_thread{0};
std::atomic<std::uint32_t> g_bell{0};     // wakes the clerk
std::atomic<std::uint32_t> g_answers{0};  // grows with each answer
std::atomic<Question> g_question{Question::none};
bool g_answer_good = false;  // written before g_answers grows
Subject g_subjects[kMostSubjects];
std::size_t g_subject_count = 0;
pid_t g_asker = 0;

// Made when first needed, never destroyed: lines are written until the very end of the process. No statics of
// functions: a child forked meanwhile would find their guards taken for ever.
Fingerprints* g_fingerprints = nullptr;
SymbolTableNames* g_names = nullptr;
int g_audit_file = -1;  // of the clerk's own table

// Lines to write: one producer, one consumer.
AuditEntry g_ring[kRing];
std::atomic<std::uint32_t> g_noted{0};
std::atomic<std::uint32_t> g_written{0};

RecordingView view() { return snapshot_of_recording(); }

GroupLadder* ladder_of(std::size_t group) {
  Header* recording = recorder::recording();
  auto* at =
      reinterpret_cast<GroupLadder*>(reinterpret_cast<char*>(recording) + recording->ladder_at) + group;
  return recorder::touch(at, sizeof *at) ? at : nullptr;
}

void give_names() {
  if (g_fingerprints == nullptr) g_fingerprints = new Fingerprints;
  const RecordingView recording = view();
  for (std::size_t i = 0; i < recording.groups().size(); ++i) {
    GroupLadder* ladder = ladder_of(i);
    const Group& group = recording.groups()[i];
    if (ladder == nullptr || ladder->fingerprint.load() != 0 ||
        group.ready.load(std::memory_order_acquire) == 0)
      continue;
    const std::string text = g_fingerprints->of(recording, group);
    std::uint64_t fingerprint = 0;
    std::from_chars(text.data(), text.data() + text.size(), fingerprint, 16);
    ladder->fingerprint.store(fingerprint, std::memory_order_release);
  }
}

void answer() {
  const Question question = g_question.load(std::memory_order_acquire);
  if (question == Question::none) return;
  g_answer_good = false;
  try {
    if (question == Question::names) give_names();
    if (question == Question::surroundings)
      socktrack::look_around(static_cast<pid_t>(process::pid()), g_asker, g_subjects, g_subject_count);
    g_answer_good = true;
  } catch (const std::exception&) {
    // No memory: the hand does nothing this time.
  }
  g_question.store(Question::none, std::memory_order_release);
  g_answers.fetch_add(1, std::memory_order_release);
  wake_all(g_answers);
}

// In the directory of the recordings, ours alone, never over a link.
int open_audit() {
  const std::string path =
      std::string(recording_directory()) + "/audit-" + std::to_string(process::pid()) + ".jsonl";
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

bool write_line(const AuditEntry& entry) {
  if (g_names == nullptr) g_names = new SymbolTableNames;
  if (g_audit_file < 0) g_audit_file = open_audit();
  const std::string line = audit_line(view(), entry, *g_names);
  return g_audit_file >= 0 &&
         write(g_audit_file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

void count_lost() {
  Header* recording = recorder::recording();
  reinterpret_cast<LadderControl*>(reinterpret_cast<char*>(recording) + recording->control_at)
      ->audit_lost.fetch_add(1, std::memory_order_relaxed);
}

void write_lines() {
  for (std::uint32_t at = g_written.load(); at != g_noted.load(std::memory_order_acquire); at++) {
    bool written = false;
    try {
      written = write_line(g_ring[at % kRing]);
    } catch (const std::exception&) {
      // counted below
    }
    if (!written) count_lost();
    g_written.store(at + 1, std::memory_order_release);
    answer();  // the hand waits for nobody's disk
  }
  wake_all(g_written);
}

void* work(void*) {
  process::ours = true;
  raw_syscall(SYS_prctl, PR_SET_NAME, reg("socktrack-clerk"));
  g_thread.store(process::thread_id(), std::memory_order_release);
  g_audit_file = -1;
  const bool alone = enter_private_table();
  for (;;) {
    const std::uint32_t seen = g_bell.load(std::memory_order_acquire);
    if (alone) {
      answer();
      write_lines();
    }
    if (g_leave.load(std::memory_order_acquire)) return nullptr;
    wait_for_change(g_bell, seen, 3600 * kSecond);
  }
}

void ring() {
  if (!g_running.exchange(true) && !start_thread(work, 512UL * 1024)) g_running.store(false);
  g_bell.fetch_add(1, std::memory_order_release);
  wake_all(g_bell);
}

bool ask(Question question) {
  if (g_question.load(std::memory_order_acquire) != Question::none) return false;  // still at the last one
  const std::uint32_t before = g_answers.load(std::memory_order_acquire);
  g_asker = static_cast<pid_t>(process::thread_id());
  g_question.store(question, std::memory_order_release);
  ring();
  const std::uint64_t deadline = recorder::now_ns() + 2 * kSecond;
  while (g_answers.load(std::memory_order_acquire) == before) {
    const std::uint64_t now = recorder::now_ns();
    if (now >= deadline || !g_running.load()) return false;
    wait_for_change(g_answers, before, deadline - now);
  }
  return g_answer_good;
}

}  // namespace

bool name_groups() { return ask(Question::names); }

bool look_around(Subject* subjects, std::size_t count) {
  if (count == 0 || count > kMostSubjects || g_question.load(std::memory_order_acquire) != Question::none)
    return count == 0;
  std::copy_n(subjects, count, g_subjects);
  g_subject_count = count;
  if (!ask(Question::surroundings)) return false;
  std::copy_n(g_subjects, count, subjects);
  return true;
}

void note(const AuditEntry& entry) {
  const std::uint32_t at = g_noted.load(std::memory_order_relaxed);
  if (at - g_written.load(std::memory_order_acquire) >= kRing) return count_lost();
  g_ring[at % kRing] = entry;
  g_noted.store(at + 1, std::memory_order_release);
  ring();
}

void finish() {
  const std::uint64_t deadline = recorder::now_ns() + kSecond;
  for (;;) {
    const std::uint32_t written = g_written.load(std::memory_order_acquire);
    const std::uint64_t now = recorder::now_ns();
    if (written == g_noted.load(std::memory_order_acquire) || now >= deadline || !g_running.load()) return;
    wait_for_change(g_written, written, deadline - now);
  }
}

bool is_running() { return g_running.load(); }

void retire() {
  if (!g_running.load()) return;
  g_leave.store(true, std::memory_order_release);
  g_bell.fetch_add(1, std::memory_order_release);
  wake_all(g_bell);
  await_end_of_thread(process::pid(), g_thread);
  g_leave.store(false, std::memory_order_relaxed);
  g_running.store(false);
}

void after_fork() {
  g_leave.store(false, std::memory_order_relaxed);
  g_thread.store(0, std::memory_order_relaxed);
  g_question.store(Question::none, std::memory_order_relaxed);
  g_fingerprints = nullptr;  // may have been half changed
  g_names = nullptr;
  g_running.store(false, std::memory_order_relaxed);
  g_written.store(g_noted.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

}  // namespace socktrack::clerk
