// The inquiry: what a descriptor cannot be asked. Who else holds these sockets, and what is each thread of
// this process doing now? Answered from /proc, on a thread with a descriptor table of its own; asked and read
// by sweeps, which may run on any thread. No allocation, no exception, raw system calls only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

inline constexpr std::uint32_t kMaxWanted = 512;     // sockets in one inquiry
inline constexpr std::uint32_t kMaxTasks = 128;      // threads; programs with more are told of the first
inline constexpr std::uint32_t kMaxLinks = 200'000;  // descriptors of other processes looked at

// A process that holds a socket of ours.
struct Holder {
  std::uint32_t pid = 0;
  std::uint32_t flags = 0;  // holder_flag of socktrack/recording.h
  char program[16] = "";
  bool is_older = false;  // of all that hold it, one is older than this process
};

inline constexpr long kRunning = -1;

// All zero before it is filled in, so that lists of them are no data in the library's file.
struct Task {
  std::uint32_t tid = 0;
  char name[16] = "";
  long call = 0;                 // number of the system call it waits in, or kRunning
  std::uint64_t arguments[2]{};  // of that call
};

// One round of questions and answers.
struct Inquiry {
  std::uint64_t taken_ns = 0;  // 0: never
  std::uint32_t wanted = 0;
  std::uint64_t inodes[kMaxWanted]{};
  Holder holders[kMaxWanted]{};   // pid 0: nobody else, as far as may be seen
  std::uint32_t leaving_tid = 0;  // a thread that waits for this inquiry to end the program: not told of
  std::uint32_t tasks = 0;
  Task task[kMaxTasks]{};

  bool want(std::uint64_t inode);                      // false: full, ask again later
  const Holder* holder_of(std::uint64_t inode) const;  // nullptr: was not asked
  const Task* task_of(std::uint32_t tid) const;
  // A thread that waits inside a call on this descriptor: read, recv, poll... nullptr: none.
  const Task* waiting_on(std::uint32_t fd) const;
};

// Fills in the answers. Takes milliseconds for each thousand descriptors of other processes.
void take_inquiry(Inquiry& inquiry);

// "futex", "recvfrom"; "" for calls that have no name here. Only calls that threads wait in.
const char* call_name(long number);

// Waiting for work rather than stuck in it: accept, poll, epoll_wait, select.
bool is_idle_call(long number);

// What one thread is in: "recvfrom(fd 7)", "futex", "running".
void describe_call(const Task& task, char* text, std::size_t room);

// What the threads of a task list are in, most of them first: "worker x3 in futex, main in accept4".
void describe_tasks(const Inquiry& inquiry, char* text, std::size_t room);

}  // namespace socktrack
