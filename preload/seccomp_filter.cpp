#include "preload/seccomp_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>
#include <iterator>

#include "socktrack/recording.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

namespace socktrack {

sock_filter room_for_filter[BPF_MAXINSNS];

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// With the arguments that it has when we make it: filters decide by options, flags and commands, too. Where
// the argument is a descriptor, an address or a number of ours, it stands for any.
struct Call {
  long number;
  std::uint64_t arguments[4] = {};
};

constexpr std::uint64_t kAny = 3;
constexpr auto kHere = static_cast<std::uint64_t>(AT_FDCWD);
constexpr std::uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                  CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                  CLONE_CHILD_CLEARTID;  // pthread_create(3)
constexpr std::uint64_t kReadWrite = PROT_READ | PROT_WRITE;

// Without these nothing can be recorded or judged.
constexpr Call kNeeded[] = {
    {SYS_getpid},
    {SYS_gettid},
    {SYS_madvise, {kAny, kPage, MADV_POPULATE_WRITE}},
    {SYS_prctl, {PR_GET_NAME}},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_COOKIE}},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_PROTOCOL}},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_DOMAIN}},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_TYPE}},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_ACCEPTCONN}},
    {SYS_getsockopt, {kAny, IPPROTO_TCP, TCP_INFO}},
    {SYS_getsockname, {kAny}},
    {SYS_getpeername, {kAny}},
    {SYS_ioctl, {kAny, SIOCINQ}},
    {SYS_ioctl, {kAny, SIOCOUTQ}},
    {SYS_fstat, {kAny}},
    {SYS_newfstatat, {kHere}},
    {SYS_ppoll, {kAny, 1}},
    {SYS_futex, {kAny, FUTEX_WAIT_PRIVATE}},
    {SYS_futex, {kAny, FUTEX_WAKE_PRIVATE}},
    {SYS_nanosleep},
    {SYS_prlimit64, {0, RLIMIT_NOFILE}},
    {SYS_fcntl, {kAny, F_GETFD}},
    {SYS_mmap, {0, kPage, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE}},
    {SYS_munmap, {kAny, kPage}},
    {SYS_clock_gettime, {CLOCK_MONOTONIC}},
};

// These may fail, and something is then not written or not told. Not pidfd_getfd: it is not used under a
// filter.
constexpr Call kWanted[] = {
    {SYS_process_vm_readv, {kAny}},
    {SYS_getppid},
    {SYS_getuid},
    {SYS_geteuid},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_MEMINFO}},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_PEEK_OFF}},
    {SYS_getsockopt, {kAny, SOL_SOCKET, SO_PEERCRED}},
    {SYS_getsockopt, {kAny, IPPROTO_TCP, TCP_ULP}},
    {SYS_prctl, {PR_SET_NAME}},
    {SYS_mmap, {0, kPage, kReadWrite, MAP_SHARED}},
    {SYS_mmap, {0, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK}},
    {SYS_mprotect, {kAny, kPage, kReadWrite}},
    {SYS_madvise, {kAny, kPage, MADV_DONTNEED}},
    {SYS_fstatfs, {kAny}},
    {SYS_clone, {CLONE_VM | CLONE_VFORK}},
    {SYS_clone, {kThread}},
    {SYS_clone3},
    {SYS_close_range, {0, ~0U, CLOSE_RANGE_UNSHARE}},
    {SYS_unshare, {CLONE_FILES}},
    {SYS_openat, {kHere, kAny, O_RDONLY | O_CLOEXEC}},
    {SYS_openat, {kHere, kAny, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600}},
    {SYS_mkdirat, {kHere, kAny, 0700}},
    {SYS_unlinkat, {kHere}},
    {SYS_renameat2, {kHere}},
    {SYS_renameat, {kHere}},
    {SYS_ftruncate, {kAny}},
    {SYS_madvise, {kAny, kAny, MADV_RANDOM}},
    {SYS_fallocate, {kAny}},
    {SYS_rt_sigprocmask, {SIG_SETMASK}},
    {SYS_wait4},
    {SYS_getrandom},
    {SYS_readlinkat, {kHere}},
    {SYS_getdents64, {kAny}},
    {SYS_write, {STDERR_FILENO}},
    {SYS_writev, {kAny}},
    {SYS_read, {kAny}},
    {SYS_lseek, {kAny}},
    {SYS_close, {kAny}},
    {SYS_exit},
    {SYS_exit_group},
    {SYS_socket, {AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC}},
    {SYS_socket, {AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG}},
    {SYS_connect, {kAny}},
    {SYS_sendto, {kAny}},
    {SYS_recvfrom, {kAny}},
    {SYS_sendmsg, {kAny}},
    {SYS_recvmsg, {kAny}},
    {SYS_fsync, {kAny}},
    {SYS_fchmod, {kAny, 0600}},
    {SYS_statx, {kHere}},
    {SYS_brk},
    {SYS_set_robust_list},
    {SYS_rseq},
    {SYS_sched_yield},
    {SYS_clock_nanosleep, {CLOCK_MONOTONIC}},
    {SYS_tgkill, {kAny, kAny, 0}},
};

// What the mitigation ladder does. A filter that kills for one of these turns only the ladder off.
constexpr Call kActing[] = {
    {SYS_shutdown, {kAny, SHUT_RDWR}},
    {SYS_setsockopt, {kAny, SOL_SOCKET, SO_LINGER}},
    {SYS_setsockopt, {kAny, SOL_SOCKET, SO_KEEPALIVE}},
    {SYS_setsockopt, {kAny, IPPROTO_TCP, TCP_KEEPIDLE}},
    {SYS_setsockopt, {kAny, IPPROTO_TCP, TCP_KEEPINTVL}},
    {SYS_setsockopt, {kAny, IPPROTO_TCP, TCP_KEEPCNT}},
    {SYS_dup3, {kAny}},
    {SYS_epoll_ctl, {kAny, EPOLL_CTL_DEL}},
    {SYS_rt_sigaction, {SIGPIPE}},
    {SYS_rt_sigpending},
    {SYS_rt_sigtimedwait},
    {SYS_pread64, {kAny}},
};

// The registers and the scratch memory of classic BPF.
struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::uint32_t memory[BPF_MEMWORDS] = {};
};

std::uint32_t word_at(const seccomp_data& call, std::uint32_t offset) {
  std::uint32_t word = 0;
  if (offset <= sizeof call - sizeof word)
    std::memcpy(&word, reinterpret_cast<const char*>(&call) + offset, sizeof word);
  return word;
}

std::uint32_t loaded(const sock_filter& step, const Machine& machine, const seccomp_data& call) {
  switch (BPF_MODE(step.code)) {
    case BPF_ABS:
      return word_at(call, step.k);
    case BPF_LEN:
      return sizeof call;
    case BPF_MEM:
      return machine.memory[step.k % BPF_MEMWORDS];
    default:
      return step.k;
  }
}

std::uint32_t computed(std::uint16_t code, std::uint32_t a, std::uint32_t b) {
  switch (BPF_OP(code)) {
    case BPF_ADD:
      return a + b;
    case BPF_SUB:
      return a - b;
    case BPF_MUL:
      return a * b;
    case BPF_DIV:
      return b == 0 ? 0 : a / b;
    case BPF_AND:
      return a & b;
    case BPF_OR:
      return a | b;
    case BPF_XOR:
      return a ^ b;
    case BPF_LSH:
      return b < 32 ? a << b : 0;
    case BPF_RSH:
      return b < 32 ? a >> b : 0;
    default:
      return 0 - a;  // BPF_NEG
  }
}

bool holds(std::uint16_t code, std::uint32_t a, std::uint32_t b) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return a == b;
    case BPF_JGT:
      return a > b;
    case BPF_JGE:
      return a >= b;
    default:
      return (a & b) != 0;  // BPF_JSET
  }
}

bool is_fine(std::uint32_t answer, bool may_fail) {
  switch (answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return true;
    case SECCOMP_RET_ERRNO:
      return may_fail;
    default:
      return false;
  }
}

template <std::size_t count>
bool all_fine(const Call (&calls)[count], bool may_fail, const sock_filter* filter, std::size_t length) {
  for (const Call& each : calls) {
    seccomp_data data{};
    data.nr = static_cast<int>(each.number);
    data.arch = kArchitecture;
    for (std::size_t i = 0; i < std::size(each.arguments); i++) data.args[i] = each.arguments[i];
    if (!is_fine(answer_of(filter, length, data), may_fail)) return false;
  }
  return true;
}

}  // namespace

std::uint32_t answer_of(const sock_filter* filter, std::size_t length, const seccomp_data& call) {
  Machine machine;
  // Jumps go forward only, so this ends.
  for (std::size_t at = 0; at < length; at++) {
    const sock_filter& step = filter[at];
    const std::uint32_t operand = BPF_SRC(step.code) == BPF_X ? machine.x : step.k;
    switch (BPF_CLASS(step.code)) {
      case BPF_LD:
        machine.a = loaded(step, machine, call);
        break;
      case BPF_LDX:
        machine.x = loaded(step, machine, call);
        break;
      case BPF_ST:
        machine.memory[step.k % BPF_MEMWORDS] = machine.a;
        break;
      case BPF_STX:
        machine.memory[step.k % BPF_MEMWORDS] = machine.x;
        break;
      case BPF_ALU:
        machine.a = computed(step.code, machine.a, operand);
        break;
      case BPF_JMP:
        at += BPF_OP(step.code) == BPF_JA ? step.k : holds(step.code, machine.a, operand) ? step.jt : step.jf;
        break;
      case BPF_RET:
        return BPF_RVAL(step.code) == BPF_A ? machine.a : step.k;
      default:
        (BPF_MISCOP(step.code) == BPF_TAX ? machine.x : machine.a) =
            BPF_MISCOP(step.code) == BPF_TAX ? machine.a : machine.x;
    }
  }
  return SECCOMP_RET_KILL_PROCESS;
}

bool leaves_us_alive(const sock_filter* filter, std::size_t length) {
  return all_fine(kNeeded, false, filter, length) && all_fine(kWanted, true, filter, length);
}

bool lets_us_act(const sock_filter* filter, std::size_t length) {
  return all_fine(kActing, true, filter, length);
}

}  // namespace socktrack
