#include "preload/real.h"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <iterator>

#include "preload/symbols_behind.h"
#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

// What libc makes of the kernel's answer.
template <typename R>
R as_libc(long answer) {
  if (raw_failed(answer)) {
    errno = static_cast<int>(-answer);
    answer = -1;
  }
  if constexpr (!std::is_void_v<R>) return static_cast<R>(answer);
}

// For the few functions that are no system call. Reached only if libc lacks the symbol: then nothing
// else in the process could have called it either.
template <typename R>
R absent() {
  errno = ENOSYS;
  if constexpr (std::is_pointer_v<R>) {
    return nullptr;
  } else if constexpr (!std::is_void_v<R>) {
    return R{-1};
  }
}

template <typename... Arguments>
long raw(long number, Arguments... arguments) {
  return raw_syscall(number, reg(arguments)...);
}

long raw_dup2(int fd, int target) {
#ifdef SYS_dup2
  return raw(SYS_dup2, fd, target);
#else
  if (fd == target) return raw(SYS_fcntl, fd, F_GETFD) < 0 ? -EBADF : fd;
  return raw(SYS_dup3, fd, target, 0);
#endif
}

// The system call writes the time that is left; the function promises not to.
long raw_ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  timespec left{};
  if (timeout != nullptr) left = *timeout;
  return raw(SYS_ppoll, fds, count, timeout != nullptr ? &left : nullptr, mask, 8);
}

long raw_poll(pollfd* fds, nfds_t count, int milliseconds) {
  const timespec timeout{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  return raw_ppoll(fds, count, milliseconds < 0 ? nullptr : &timeout, nullptr);
}

enum : unsigned { unresolved, resolving, resolved };
std::atomic<unsigned> g_state{unresolved};

#define RAW(...) as_libc<Return>(raw(__VA_ARGS__))
#define RAW_DUP2(fd, target) as_libc<Return>(raw_dup2(fd, target))
#define RAW_POLL(fds, count, milliseconds) as_libc<Return>(raw_poll(fds, count, milliseconds))
#define RAW_PPOLL(fds, count, timeout, mask) as_libc<Return>(raw_ppoll(fds, count, timeout, mask))
#define NO_RAW absent<Return>()

// Hazard: dlsym, if it comes to that, may allocate, an interposed malloc may read() its configuration, and we
// are back here on the same thread. Rule: whoever comes while resolution is under way makes the raw call.
#define ENTRY(ret, name, parameters, arguments, kind, raw_call)     \
  ret boot_##name parameters {                                      \
    using Return [[maybe_unused]] = ret;                            \
    resolve_real_functions();                                       \
    if (real.name.get() != boot_##name) return real.name arguments; \
    return raw_call;                                                \
  }
#include "preload/entrypoints.def"

constexpr WantedSymbol kNames[] = {
#define ENTRY(ret, name, parameters, arguments, kind, raw) wanted_symbol(#name),
#include "preload/entrypoints.def"
};
constexpr std::size_t kCount = std::size(kNames);
static_assert(kCount <= kMostWanted && sizeof(Real) == kCount * sizeof(void*));

}  // namespace

constinit Real real = {
#define ENTRY(ret, name, parameters, arguments, kind, raw) .name = {boot_##name},
#include "preload/entrypoints.def"
};

unsigned resolve_real_functions() {
  unsigned expected = unresolved;
  if (!g_state.compare_exchange_strong(expected, resolving, std::memory_order_acq_rel)) return 0;
  const unsigned missing = find_symbols_behind_us(kNames, kCount, reinterpret_cast<void**>(&real));
  g_state.store(resolved, std::memory_order_release);
  return missing;
}

}  // namespace socktrack
