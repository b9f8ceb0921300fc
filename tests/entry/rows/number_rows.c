/* Rows that take descriptors out of use or copy them, by themselves or under a FILE. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

#include "told.h"

int __close(int);
int __dup2(int, int);
int __fcntl(int, int, ...);
FILE* _IO_fdopen(int, const char*);
int _IO_fclose(FILE*);

#define CLOSES(name)                 \
  void row_##name(struct scene* s) { \
    T(name(s->a));                   \
    T(name(s->a));                   \
    T(name(s->in));                  \
    T(name(-1));                     \
  }
CLOSES(close)
CLOSES(__close)
void row_close_range(struct scene* s) {
  T(close_range((unsigned)s->a, (unsigned)s->b, 0));
  T(close_range((unsigned)s->over, (unsigned)s->over, CLOSE_RANGE_CLOEXEC));
  T(close_range(9, 8, 0));
  T(close_range(9, 10, -1));
  T(raw(SYS_fcntl, s->b, F_GETFD, 0, 0));
  T(raw(SYS_fcntl, s->over, F_GETFD, 0, 0));
}
void row_closefrom(struct scene* s) {
  closefrom(s->over);
  T(raw(SYS_fcntl, s->over, F_GETFD, 0, 0));
  T(raw(SYS_fcntl, s->epoll, F_GETFD, 0, 0));
  T(raw(SYS_fcntl, s->a, F_GETFD, 0, 0));
}
void row_dup(struct scene* s) {
  T(dup(s->a));
  T(dup(s->in));
  T(dup(-1));
}
#define COPIES_OVER(name)            \
  void row_##name(struct scene* s) { \
    T(name(s->a, s->over));          \
    T(name(s->a, s->a));             \
    T(name(s->in, s->b));            \
    T(name(-1, s->b));               \
    T(name(s->a, -1));               \
  }
COPIES_OVER(dup2)
COPIES_OVER(__dup2)
void row_dup3(struct scene* s) {
  T(dup3(s->a, s->over, O_CLOEXEC));
  T(dup3(s->a, s->a, 0));
  T(dup3(s->a, s->over, 1));
  T(dup3(-1, s->over, 0));
}
#define CONTROLS(name)                  \
  void row_##name(struct scene* s) {    \
    T(name(s->a, F_DUPFD, 50));         \
    T(name(s->a, F_DUPFD_CLOEXEC, 3));  \
    T(name(s->a, F_GETFL));             \
    T(name(s->a, F_SETFD, FD_CLOEXEC)); \
    T(name(s->a, F_DUPFD, -1));         \
    T(name(-1, F_GETFD));               \
    T(name(s->a, 9999));                \
  }
CONTROLS(fcntl)
CONTROLS(fcntl64)
CONTROLS(__fcntl)

#define STREAMS(opens, closes)               \
  FILE* stream = opens(s->over, "r");        \
  T(fgetc(stream));                          \
  T(fgetc(stream));                          \
  T(closes(stream));                         \
  T(raw(SYS_fcntl, s->over, F_GETFD, 0, 0)); \
  P(opens(-1, "r"));                         \
  P(opens(s->a, "?"))
void row_fdopen(struct scene* s) { STREAMS(fdopen, fclose); }
void row_fclose(struct scene* s) { STREAMS(fdopen, fclose); }
void row__IO_fdopen(struct scene* s) { STREAMS(_IO_fdopen, _IO_fclose); }
void row__IO_fclose(struct scene* s) { STREAMS(_IO_fdopen, _IO_fclose); }
#define REOPENS(name)                        \
  void row_##name(struct scene* s) {         \
    FILE* stream = fdopen(s->over, "r");     \
    stream = name("/dev/null", "r", stream); \
    P(stream);                               \
    T(fileno(stream));                       \
    P(name("/nowhere/at/all", "r", stream)); \
  }
REOPENS(freopen)
REOPENS(freopen64)
