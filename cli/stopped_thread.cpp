#include "cli/stopped_thread.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include "cli/system_calls.h"

namespace socktrack {

namespace {

constexpr const char* kEnded = "it ended meanwhile";
constexpr const char* kHeld = "it did not stop within 2 seconds: it is in uninterruptible sleep";
constexpr const char* kStopped = "it is stopped (SIGSTOP or job control)";

// ---- registers -------------------------------------------------------------------------------

using Registers = user_regs_struct;

bool read_registers(int tid, Registers& registers) {
  iovec place{&registers, sizeof registers};
  return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place) == 0;
}

bool write_registers(int tid, Registers registers) {
  iovec place{&registers, sizeof registers};
  return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &place) == 0;
}

#if defined(__x86_64__)
constexpr unsigned kInstructionSize = 2;
constexpr unsigned long kInstructionMask = 0xffff, kInstruction = 0x050f;  // syscall
auto& program_counter(Registers& r) { return r.rip; }
auto& result(Registers& r) { return r.rax; }
// The number goes where the result came.
void set_call(Registers& r, const BlockedIn& call) { r.rax = static_cast<unsigned long long>(call.number); }
#elif defined(__aarch64__)
constexpr unsigned kInstructionSize = 4;
constexpr unsigned long kInstructionMask = 0xffffffff, kInstruction = 0xd4000001;  // svc #0
auto& program_counter(Registers& r) { return r.pc; }
auto& result(Registers& r) { return r.regs[0]; }
// The result took the place of the first argument; the number is still in x8.
void set_call(Registers& r, const BlockedIn& call) { r.regs[0] = call.first_argument; }
#else
#error "socktrack: which instruction makes a system call on this architecture?"
#endif

// The registers that issue again the call which has just failed with EINTR. Empty if the thread is not
// at the end of such a call.
std::optional<Registers> restarted(int pid, int tid, Registers registers) {
  if (static_cast<long long>(result(registers)) != -EINTR) return std::nullopt;
#if defined(__x86_64__)
  // A computed -4, or the EINTR that a signal handler has just returned to: not ours to undo.
  if (static_cast<long long>(registers.orig_rax) < 0) return std::nullopt;
#endif
  const auto call = blocked_in(pid, tid);
  const SystemCall* known = call ? find_system_call(call->number) : nullptr;
  if (known == nullptr || !known->restartable) return std::nullopt;
  program_counter(registers) -= kInstructionSize;
  errno = 0;
  const long word = ptrace(PTRACE_PEEKTEXT, tid, program_counter(registers), nullptr);
  if (errno != 0 || (static_cast<unsigned long>(word) & kInstructionMask) != kInstruction)
    return std::nullopt;
  set_call(registers, *call);
  return registers;
}

// ---- stops -----------------------------------------------------------------------------------

// What waitpid said, in words.
struct Stop {
  enum Kind { gone, ours, by_job_control, system_call, signal } kind = gone;
  int signal_number = 0;  // of `signal`: to be delivered when the thread goes on
};

Stop stop_of(int status) {
  if (!WIFSTOPPED(status)) return {};
  const int signal = WSTOPSIG(status);
  if (status >> 16 == PTRACE_EVENT_STOP) return {signal == SIGTRAP ? Stop::ours : Stop::by_job_control, 0};
  if (signal == (SIGTRAP | 0x80)) return {Stop::system_call, 0};
  return {Stop::signal, signal};
}

// The next stop of the thread; empty if it is in a sleep that nothing interrupts. waitpid has no
// timeout, hence the polling.
std::optional<Stop> next_stop(int tid) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 2s;
  auto pause = std::chrono::microseconds(20);
  while (true) {
    int status = 0;
    const pid_t who = waitpid(tid, &status, __WALL | WNOHANG);
    if (who == tid) return stop_of(status);
    if (who < 0 && errno != EINTR) return Stop{};
    if (std::chrono::steady_clock::now() > deadline) return std::nullopt;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(2000));
  }
}

// The value after `key` in /proc/PID/task/TID/status; "" if there is none.
std::string status_field(int pid, int tid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(key + ":")) continue;
    const std::size_t value = line.find_first_not_of(" \t", key.size() + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

bool has_handler(int pid, int tid, int signal) {
  const std::string mask = status_field(pid, tid, "SigCgt");
  return !mask.empty() && ((std::stoull(mask, nullptr, 16) >> (signal - 1)) & 1U) != 0;
}

// ---- going on --------------------------------------------------------------------------------

void detach(int tid, int signal) { ptrace(PTRACE_DETACH, tid, nullptr, static_cast<long>(signal)); }

// Lets the thread go, with `signal` if it stands before the delivery of one.
//
// An EINTR that only we caused is undone by issuing the call again. The thread stays traced until it is
// inside the call: a handled signal that comes before that shows up here as a stop, and gets the EINTR
// that users of epoll_pwait count on. Let go any earlier, that signal would be handled before the call,
// and the program would sleep on.
void let_go(int pid, int tid, int signal) {
  Registers failed{};
  std::optional<Registers> again;
  const bool interrupted_by_program = signal != 0 && has_handler(pid, tid, signal);
  if (!interrupted_by_program && read_registers(tid, failed)) again = restarted(pid, tid, failed);
  if (!again || !write_registers(tid, *again)) return detach(tid, signal);

  while (true) {
    if (ptrace(PTRACE_SYSCALL, tid, nullptr, static_cast<long>(signal)) != 0) return;
    const auto stop = next_stop(tid);
    if (!stop || stop->kind == Stop::gone) return;
    if (stop->kind == Stop::by_job_control) return detach(tid, 0);
    if (stop->kind == Stop::system_call) {
      // Never PTRACE_DETACH here: it leaves the thread marked as having a signal to look at, and the call
      // fails with EINTR once more. The end of the tracing thread detaches a running thread silently.
      ptrace(PTRACE_CONT, tid, nullptr, nullptr);
      return;
    }
    signal = stop->signal_number;
    if (stop->kind == Stop::signal && has_handler(pid, tid, signal)) {
      write_registers(tid, failed);
      return detach(tid, signal);
    }
  }
}

// Why PTRACE_SEIZE failed. Throws if no other thread of the process would fare better.
std::string refusal(int pid, int tid, int error) {
  if (error == ESRCH) return kEnded;
  const std::string state = status_field(pid, tid, "State");
  if (state.empty() || state[0] == 'Z' || state[0] == 'X') return kEnded;
  const std::string tracer = status_field(pid, tid, "TracerPid");
  if (!tracer.empty() && tracer != "0") {
    return "it is traced by process " + tracer + " (a debugger or strace)";
  }
  throw std::runtime_error("cannot look into process " + std::to_string(pid) + ": " + std::strerror(error) +
                           "; it takes the same user, a program that may dump core, and a permissive " +
                           "kernel.yama.ptrace_scope, or CAP_SYS_PTRACE");
}

std::string stop_look_and_let_go(int pid, int tid, const std::function<void()>& look) {
  const std::string state = status_field(pid, tid, "State");
  if (state.starts_with("T")) return kStopped;
  if (ptrace(PTRACE_SEIZE, tid, nullptr, static_cast<long>(PTRACE_O_TRACESYSGOOD)) != 0) {
    return refusal(pid, tid, errno);
  }
  if (ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0) return kEnded;
  const auto stop = next_stop(tid);
  if (!stop) return kHeld;
  if (stop->kind == Stop::gone) return kEnded;
  if (stop->kind == Stop::by_job_control) {
    detach(tid, 0);
    return kStopped;
  }
  look();
  let_go(pid, tid, stop->signal_number);
  return "";
}

}  // namespace

std::string with_stopped_thread(int pid, int tid, const std::function<void()>& look) {
  // A tracing thread per look: when it ends, the kernel lets go of whatever it still holds.
  std::atomic<pid_t> tracer{0};
  const auto in_tracer = [&] {
    tracer = gettid();
    return stop_look_and_let_go(pid, tid, look);
  };
  std::string problem = std::async(std::launch::async, in_tracer).get();
  // A thread can be joined shortly before the kernel has let go; the next look would find it taken.
  while (status_field(pid, tid, "TracerPid") == std::to_string(tracer)) std::this_thread::yield();
  return problem;
}

}  // namespace socktrack
