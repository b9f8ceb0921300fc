// System calls without libc: no errno, no cancellation point, no hook of ours or of anybody else.
// Safe everywhere: before relocation of libc, in a vfork child, in a signal handler.
#pragma once

#include <sys/syscall.h>

#include <type_traits>

namespace socktrack {

// The kernel's answer: a value, or -errno.
inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  long answer;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(answer)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return answer;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "socktrack knows x86-64 and aarch64"
#endif
}

inline bool raw_failed(long answer) { return answer < 0 && answer >= -4095; }

#ifdef __clang_analyzer__
long handed_to_the_kernel(void* memory);  // which may write there: clang-tidy does not see it in the assembly
#endif

// Any argument as the register it travels in.
template <typename T>
inline long reg(T value) {
  if constexpr (std::is_pointer_v<T>) {
#ifdef __clang_analyzer__
    return handed_to_the_kernel((void*)value);
#else
    return reinterpret_cast<long>(value);
#endif
  } else {
    return static_cast<long>(value);
  }
}

}  // namespace socktrack
