// System calls that no preloaded library sees. What a benchmark prepares must cost the same with and
// without the library, so it may not go through libc (whose syscall() is hooked too).
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace bench {

inline long raw_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
#if defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
#else
#error "socktrack: how does this architecture make a system call?"
#endif
}

inline long address_of(const void* memory) { return reinterpret_cast<long>(memory); }

// A figure of calls that failed is worse than none.
template <typename T>
T require(T result, const char* what) {
  if (result >= 0) return result;
  std::fprintf(stderr, "bench: %s failed (%lld)\n", what, static_cast<long long>(result));
  std::exit(EXIT_FAILURE);
}

}  // namespace bench
