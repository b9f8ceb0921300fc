/* Descriptors to call with, made anew for each row, by calls that no hook sees: only the row's own are told.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Past libc's syscall(), which has a row of its own. */
static inline long raw(long number, long a, long b, long c, long d) {
  long result;
#if defined(__x86_64__)
  register long fourth __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                   : "rcx", "r11", "memory");
#else
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  result = x0;
#endif
  return result;
}

struct scene {
  int a, b;     /* a UNIX stream */
  int over;     /* a UNIX stream whose peer has sent "x" and closed */
  int out, in;  /* a pipe */
  int listener; /* TCP, nobody waits */
  int epoll;
};

static inline struct scene set_scene(void) {
  struct scene s;
  int pair[2];
  raw(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)pair);
  s.a = pair[0];
  s.b = pair[1];
  raw(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)pair);
  s.over = pair[0];
  raw(SYS_write, pair[1], (long)"x", 1, 0);
  raw(SYS_close, pair[1], 0, 0, 0);
  raw(SYS_pipe2, (long)pair, 0, 0, 0);
  s.in = pair[0];
  s.out = pair[1];
  s.listener = (int)raw(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, 0);
  raw(SYS_listen, s.listener, 8, 0, 0);
  s.epoll = (int)raw(SYS_epoll_create1, 0, 0, 0, 0);
  return s;
}

/* All that a row left open, too. */
static inline void clear_scene(int first) { raw(SYS_close_range, first, ~0U, 0, 0); }
