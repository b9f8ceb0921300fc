// One pass over all tracked sockets: the kernel judges, verdicts are spoken into the recording.
//
// Runs inside the program, in the watcher thread or in the thread that is about to leave the process. System
// calls only: poll in chunks over all, TCP_INFO only for those that poll calls dead (cost.md 3). No
// allocation, no descriptor, no cancellation point, errno untouched.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

struct Inquiry;

// What a sweep needs of the recorder.
struct SweepHost {
  Header* recording;
  const std::atomic<std::uint64_t>* tracked_bits;         // one bit per slot
  bool (*touch)(const void* at, std::size_t size);        // makes memory of the recording usable
  void (*untrack)(std::uint32_t fd, std::uint64_t word);  // the socket is gone and no hook saw it
  bool can_inquire = false;       // somebody will call inquire(): verdicts that rest on it wait for it
  std::uint32_t leaving_tid = 0;  // inquire: the thread that waits for it, and leaves the process then
  // Filled in by the sweep.
  const Inquiry* answers = nullptr;
  Inquiry* questions = nullptr;  // nullptr: nobody will answer, speak without
};

enum class SweepKind : std::uint8_t {
  regular,
  at_exit,
  now,  // the program asks what it leaks at this moment: leaks are spoken of without any grace
};

struct SweepResult {
  bool ran = false;          // false: another thread is sweeping
  std::uint32_t spoken = 0;  // verdicts spoken in this pass
  std::uint32_t new_groups = 0;
  std::uint32_t too_fresh = 0;  // SweepKind::now: died this very moment, may be about to be closed
  bool wants_inquiry = false;
};

// At exit, what is dead but younger than the grace is recorded apart (group_flag::at_exit).
SweepResult sweep(const SweepHost& host, SweepKind kind, std::uint64_t now_ns);

// The last look at one socket, as at exit.
SweepResult sweep_one(const SweepHost& host, std::uint32_t fd, std::uint64_t now_ns);

// What descriptors cannot be asked (watch/inquiry.h), and the listen queues (watch/backlog.h). The calling
// thread must have a descriptor table of its own. False: nobody had a question, or another thread is
// sweeping.
bool inquire(const SweepHost& host, bool at_exit, std::uint64_t now_ns, SweepResult& result);

// In a forked child: a sweep of the parent may have been under way.
void reset_sweep_after_fork();

}  // namespace socktrack
