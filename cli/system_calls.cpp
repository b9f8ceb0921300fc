#include "cli/system_calls.h"

#include <sys/syscall.h>

#include <fstream>
#include <sstream>

namespace socktrack {

namespace {

constexpr SystemCall kSystemCalls[] = {
    {SYS_accept, "accept", true, true},
    {SYS_accept4, "accept4", true, true},
    {SYS_connect, "connect", true, true},
    {SYS_recvfrom, "recvfrom", true, true},
    {SYS_recvmsg, "recvmsg", true, true},
    {SYS_recvmmsg, "recvmmsg", true, true},
    {SYS_sendto, "sendto", true, true},
    {SYS_sendmsg, "sendmsg", true, true},
    {SYS_sendmmsg, "sendmmsg", true, true},
    {SYS_read, "read", true, true},
    {SYS_readv, "readv", true, true},
    {SYS_write, "write", true, true},
    {SYS_writev, "writev", true, true},
    {SYS_epoll_pwait, "epoll_pwait", true, true},
    {SYS_epoll_pwait2, "epoll_pwait2", true, true},
    {SYS_ppoll, "ppoll", false, true},
    {SYS_pselect6, "pselect6", false, true},
    {SYS_futex, "futex", false, true},
    {SYS_nanosleep, "nanosleep", false, false},
    {SYS_clock_nanosleep, "clock_nanosleep", false, false},
    {SYS_rt_sigtimedwait, "sigtimedwait", false, true},
    {SYS_rt_sigsuspend, "sigsuspend", false, false},
    {SYS_restart_syscall, "poll, futex or sleep (resumed)", false, false},
    {SYS_io_getevents, "io_getevents", false, true},
    {SYS_io_uring_enter, "io_uring_enter", true, true},
    {SYS_semtimedop, "semtimedop", false, true},
    {SYS_msgrcv, "msgrcv", false, true},
    {SYS_wait4, "wait4", false, false},
    {SYS_waitid, "waitid", false, false},
    {SYS_flock, "flock", true, false},
    {SYS_fsync, "fsync", true, false},
    {SYS_close, "close", true, false},
    {SYS_splice, "splice", true, false},
#ifdef SYS_poll  // the calls that newer architectures do without
    {SYS_epoll_wait, "epoll_wait", true, true},
    {SYS_poll, "poll", false, true},
    {SYS_select, "select", false, true},
    {SYS_pause, "pause", false, false},
#endif
};

}  // namespace

const SystemCall* find_system_call(long number) {
  for (const SystemCall& call : kSystemCalls) {
    if (call.number == number) return &call;
  }
  return nullptr;
}

std::optional<BlockedIn> blocked_in(int pid, int tid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/syscall");
  BlockedIn blocked;
  if (!(file >> blocked.number)) return std::nullopt;
  if (blocked.number >= 0) file >> std::hex >> blocked.first_argument;
  return blocked;
}

std::string describe(const std::optional<BlockedIn>& blocked) {
  if (!blocked || blocked->number < 0) return "running";
  const SystemCall* call = find_system_call(blocked->number);
  if (call == nullptr) return "system call " + std::to_string(blocked->number);
  if (!call->on_descriptor) return call->name;
  return std::string(call->name) + "(fd " + std::to_string(static_cast<int>(blocked->first_argument)) + ")";
}

}  // namespace socktrack
