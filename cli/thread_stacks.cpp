#include "cli/thread_stacks.h"

#include <elf.h>
#include <libunwind-ptrace.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "cli/process_modules.h"
#include "cli/stopped_thread.h"
#include "cli/system_calls.h"

namespace socktrack {

namespace {

constexpr std::size_t kDeepest = 64;

// A thread before its frames have names.
struct Sample {
  ThreadStack thread;
  std::vector<std::uint64_t> addresses;  // inside the calling instructions
};

// libunwind's idea of the address space of a process; what it learns from one thread serves the next.
class Unwinder {
 public:
  Unwinder() : space_(unw_create_addr_space(&_UPT_accessors, 0)) {
    unw_set_caching_policy(space_, UNW_CACHE_GLOBAL);
  }
  ~Unwinder() { unw_destroy_addr_space(space_); }
  Unwinder(const Unwinder&) = delete;
  Unwinder& operator=(const Unwinder&) = delete;

  std::vector<std::uint64_t> addresses(int stopped_tid) const {
    const std::unique_ptr<void, void (*)(void*)> state(_UPT_create(stopped_tid), _UPT_destroy);
    std::vector<std::uint64_t> found;
    unw_cursor_t cursor;
    if (!state || unw_init_remote(&cursor, space_, state.get()) != 0) return found;
    bool interrupted = true;  // this frame stands at its address; others stand behind a call
    do {
      unw_word_t address = 0;
      if (unw_get_reg(&cursor, UNW_REG_IP, &address) != 0 || address == 0) break;
      const bool trampoline = unw_is_signal_frame(&cursor) > 0;
      found.push_back(interrupted || trampoline ? address : address - 1);
      interrupted = trampoline;
    } while (found.size() < kDeepest && unw_step(&cursor) > 0);
    return found;
  }

 private:
  unw_addr_space_t space_;
};

std::string process_path(int pid) { return "/proc/" + std::to_string(pid); }

std::vector<int> threads_of(int pid) {
  std::vector<int> tids;
  std::error_code gone;  // a process may end at any moment
  for (const auto& entry : std::filesystem::directory_iterator(process_path(pid) + "/task", gone)) {
    tids.push_back(std::stoi(entry.path().filename()));
  }
  std::sort(tids.begin(), tids.end());
  return tids;
}

// Reading its registers as 64-bit ones would send a 32-bit program astray.
void require_64_bit(int pid) {
  char ident[EI_NIDENT] = {};
  std::ifstream(process_path(pid) + "/exe").read(ident, sizeof ident);
  if (ident[EI_CLASS] == ELFCLASS32) {
    throw std::runtime_error("process " + std::to_string(pid) + " is a 32-bit program");
  }
}

std::string name_of_thread(int pid, int tid) {
  std::ifstream comm(process_path(pid) + "/task/" + std::to_string(tid) + "/comm");
  std::string name;
  std::getline(comm, name);
  return name;
}

// The watcher's threads (preload/watcher.h) would only stand between the reader and the program's.
bool is_ours(const std::string& name) { return name == "socktrack" || name == "socktrack-log"; }

Sample sample(int pid, int tid, const Unwinder& unwinder) {
  Sample s;
  s.thread.tid = tid;
  s.thread.name = name_of_thread(pid, tid);
  s.thread.doing = describe(blocked_in(pid, tid));
  s.thread.problem = with_stopped_thread(pid, tid, [&] { s.addresses = unwinder.addresses(tid); });
  if (s.thread.problem.empty() && s.addresses.empty()) s.thread.problem = "its stack could not be unwound";
  return s;
}

std::vector<Sample> sample_all(int pid) {
  const Unwinder unwinder;
  std::vector<Sample> samples;
  for (const int tid : threads_of(pid)) {
    if (!is_ours(name_of_thread(pid, tid))) samples.push_back(sample(pid, tid, unwinder));
  }
  return samples;
}

std::vector<Frame> named(std::uint64_t address, ProcessModules& modules, Names& names) {
  if (const Module* module = modules.at(address)) return names.frames_at(*module, address - module->bias);
  Frame frame;
  frame.offset = address;
  return {frame};
}

}  // namespace

std::vector<ThreadStack> thread_stacks(int pid, Names& names) {
  if (threads_of(pid).empty()) throw std::runtime_error("there is no process " + std::to_string(pid));
  if (pid == getpid()) throw std::runtime_error("a process cannot stop its own threads for a look");
  require_64_bit(pid);

  std::vector<Sample> samples = sample_all(pid);

  // Names are looked up when every thread runs again: debug files are large.
  ProcessModules modules(pid);
  std::vector<ThreadStack> threads;
  for (Sample& s : samples) {
    for (const std::uint64_t address : s.addresses) {
      for (Frame& frame : named(address, modules, names)) s.thread.frames.push_back(std::move(frame));
    }
    threads.push_back(std::move(s.thread));
  }
  return threads;
}

}  // namespace socktrack
