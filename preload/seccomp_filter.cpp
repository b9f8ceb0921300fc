#include "preload/seccomp_filter.h"

#include <linux/audit.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

namespace socktrack {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

struct Call {
  long number;
  std::uint64_t first = 0;
};

// Without these nothing can be recorded or judged.
constexpr Call kNeeded[] = {
    {SYS_getpid},     {SYS_gettid},        {SYS_madvise},     {SYS_prctl, PR_GET_NAME},
    {SYS_getsockopt}, {SYS_getsockname},   {SYS_getpeername}, {SYS_ioctl},
    {SYS_fstat},      {SYS_newfstatat},    {SYS_ppoll},       {SYS_futex},
    {SYS_nanosleep},  {SYS_prlimit64},     {SYS_fcntl},       {SYS_mmap},
    {SYS_munmap},     {SYS_clock_gettime},
};

// These may fail, and something is then not written or not told. Not pidfd_getfd: it is not used under a
// filter.
constexpr Call kWanted[] = {
    {SYS_process_vm_readv},
    {SYS_getppid},
    {SYS_getuid},
    {SYS_geteuid},
    {SYS_mprotect},
    {SYS_fstatfs},
    {SYS_clone, CLONE_VM | CLONE_VFORK},
    {SYS_clone, CLONE_VM | CLONE_THREAD},
    {SYS_clone3},
    {SYS_close_range},
    {SYS_unshare, CLONE_FILES},
    {SYS_openat},
    {SYS_mkdirat},
    {SYS_unlinkat},
    {SYS_renameat2},
    {SYS_renameat},
    {SYS_ftruncate},
    {SYS_fallocate},
    {SYS_rt_sigprocmask},
    {SYS_wait4},
    {SYS_getrandom},
    {SYS_readlinkat},
    {SYS_getdents64},
    {SYS_write},
    {SYS_writev},
    {SYS_read},
    {SYS_lseek},
    {SYS_close},
    {SYS_exit},
    {SYS_exit_group},
    {SYS_socket, AF_UNIX},
    {SYS_socket, AF_NETLINK},
    {SYS_connect},
    {SYS_sendto},
    {SYS_recvfrom},
    {SYS_sendmsg},
    {SYS_recvmsg},
    {SYS_fsync},
    {SYS_fchmod},
    {SYS_statx},
    {SYS_brk},
    {SYS_set_robust_list},
    {SYS_rseq},
    {SYS_sched_yield},
    {SYS_clock_nanosleep},
    {SYS_tgkill},
};

// What the mitigation ladder does. A filter that kills for one of these turns only the ladder off.
constexpr Call kActing[] = {
    {SYS_shutdown},      {SYS_setsockopt},      {SYS_dup3},    {SYS_epoll_ctl}, {SYS_rt_sigaction},
    {SYS_rt_sigpending}, {SYS_rt_sigtimedwait}, {SYS_pread64},
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
    data.args[0] = each.first;
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
