/* Every row of entrypoints.def, called with what succeeds and with what fails; each answer is told, with
 * errno. What it tells must be the same with and without the library: rows_test.cpp. */
#define _GNU_SOURCE
#include "every_row.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "scene.h"

ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, struct sockaddr*, socklen_t*);
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __read(int, void*, size_t);
ssize_t __write(int, const void*, size_t);
ssize_t __send(int, const void*, size_t, int);
int __close(int);
int __connect(int, const struct sockaddr*, socklen_t);
int __dup2(int, int);
int __fcntl(int, int, ...);
int __poll(struct pollfd*, nfds_t, int);
int __poll_chk(struct pollfd*, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd*, nfds_t, const struct timespec*, const sigset_t*, size_t);
FILE* _IO_fdopen(int, const char*);
int _IO_fclose(FILE*);
int __clone(int (*)(void*), void*, int, void*, ...);
int pidfd_getfd(int, int, unsigned);

static int g_to;
static const char* g_row;

static void tell(int at, long answer, int error) {
  char line[128];
  const int size = snprintf(line, sizeof line, "%s:%d %ld errno %d\n", g_row, at, answer, error);
  raw(SYS_write, g_to, (long)line, size, 0);
}
/* Tells the answer; of a pointer, whether there is one. */
#define T(call)                       \
  do {                                \
    errno = 4711;                     \
    const long answer = (long)(call); \
    tell(__LINE__, answer, errno);    \
  } while (0)
#define P(call) T((call) != NULL)

static char buffer[64];
#define PARTS struct iovec parts[1] = {{buffer, 8}}
#define MESSAGE \
  PARTS;        \
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1}
#define MESSAGES \
  PARTS;         \
  struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 1}}}
#define POLLED struct pollfd polled[2] = {{s->over, POLLIN, 0}, {s->a, POLLIN, 0}}
#define EVENT struct epoll_event event = {.events = EPOLLIN, .data = {.fd = s->over}}

/* Success, end of stream, nothing wanted, nothing there, no descriptor. */
#define RECEIVES(name, on, on_none)             \
  static void row_##name(struct scene* s) {     \
    PARTS;                                      \
    (void)parts;                                \
    int fd = s->over;                           \
    T(on);                                      \
    T(on);                                      \
    T(on_none);                                 \
    fd = s->a;                                  \
    raw(SYS_fcntl, fd, F_SETFL, O_NONBLOCK, 0); \
    T(on);                                      \
    fd = -1;                                    \
    T(on);                                      \
    fd = s->in;                                 \
    raw(SYS_fcntl, fd, F_SETFL, O_NONBLOCK, 0); \
    T(on);                                      \
  }
RECEIVES(recv, recv(fd, buffer, 8, 0), recv(fd, buffer, 0, 0))
RECEIVES(recvfrom, recvfrom(fd, buffer, 8, 0, NULL, NULL), recvfrom(fd, buffer, 8, MSG_PEEK, NULL, NULL))
RECEIVES(read, read(fd, buffer, 8), read(fd, buffer, 0))
RECEIVES(readv, readv(fd, parts, 1), readv(fd, parts, 0))
RECEIVES(preadv2, preadv2(fd, parts, 1, -1, 0), preadv2(fd, parts, 1, 5, 0))
RECEIVES(preadv64v2, preadv64v2(fd, parts, 1, -1, 0), preadv64v2(fd, parts, 1, -1, 0x4000))
RECEIVES(__recv_chk, __recv_chk(fd, buffer, 8, 64, 0), __recv_chk(fd, buffer, 0, 64, 0))
RECEIVES(__recvfrom_chk, __recvfrom_chk(fd, buffer, 8, 64, 0, NULL, NULL),
         __recvfrom_chk(fd, buffer, 8, 64, MSG_PEEK, NULL, NULL))
RECEIVES(__read_chk, __read_chk(fd, buffer, 8, 64), __read_chk(fd, buffer, 0, 64))
RECEIVES(__read, __read(fd, buffer, 8), __read(fd, buffer, 0))
static void row_recvmsg(struct scene* s) {
  MESSAGE;
  T(recvmsg(s->over, &message, 0));
  T(recvmsg(s->over, &message, 0));
  T(recvmsg(s->a, &message, MSG_DONTWAIT));
  T(recvmsg(-1, &message, 0));
  T(recvmsg(s->in, &message, 0));
}
static void row_recvmmsg(struct scene* s) {
  MESSAGES;
  T(recvmmsg(s->over, messages, 1, 0, NULL));
  T(recvmmsg(s->over, messages, 1, 0, NULL));
  T(recvmmsg(s->a, messages, 1, MSG_DONTWAIT, NULL));
  T(recvmmsg(-1, messages, 1, 0, NULL));
}
static void row_splice(struct scene* s) {
  T(splice(s->over, NULL, s->out, NULL, 8, 0));
  T(splice(s->over, NULL, s->out, NULL, 8, 0));
  T(splice(s->in, NULL, s->a, NULL, 8, 0));
  T(splice(s->a, NULL, s->a, NULL, 8, 0));
  T(splice(-1, NULL, s->out, NULL, 8, 0));
}

/* Success, nothing to send, a peer that is gone, no descriptor. */
#define SENDS(name, on, on_none)            \
  static void row_##name(struct scene* s) { \
    PARTS;                                  \
    (void)parts;                            \
    int fd = s->a;                          \
    T(on);                                  \
    T(on_none);                             \
    fd = s->over;                           \
    T(on);                                  \
    fd = -1;                                \
    T(on);                                  \
  }
SENDS(send, send(fd, buffer, 8, MSG_NOSIGNAL), send(fd, buffer, 0, 0))
SENDS(sendto, sendto(fd, buffer, 8, MSG_NOSIGNAL, NULL, 0), sendto(fd, buffer, 0, 0, NULL, 0))
SENDS(write, write(fd, buffer, 8), write(fd, buffer, 0))
SENDS(writev, writev(fd, parts, 1), writev(fd, parts, 0))
SENDS(pwritev2, pwritev2(fd, parts, 1, -1, 0), pwritev2(fd, parts, 1, 5, 0))
SENDS(pwritev64v2, pwritev64v2(fd, parts, 1, -1, 0), pwritev64v2(fd, parts, 1, 5, 0))
SENDS(__write, __write(fd, buffer, 8), __write(fd, buffer, 0))
SENDS(__send, __send(fd, buffer, 8, MSG_NOSIGNAL), __send(fd, buffer, 0, 0))
SENDS(sendfile, sendfile(fd, s->in, NULL, 8), sendfile(fd, -1, NULL, 8))
SENDS(sendfile64, sendfile64(fd, s->in, NULL, 8), sendfile64(fd, -1, NULL, 8))
static void row_sendmsg(struct scene* s) {
  MESSAGE;
  T(sendmsg(s->a, &message, 0));
  T(sendmsg(s->over, &message, MSG_NOSIGNAL));
  T(sendmsg(-1, &message, 0));
}
static void row_sendmmsg(struct scene* s) {
  MESSAGES;
  T(sendmmsg(s->a, messages, 1, 0));
  T(sendmmsg(s->over, messages, 1, MSG_NOSIGNAL));
  T(sendmmsg(-1, messages, 1, 0));
}

static struct sockaddr_in where(const struct scene* s) {
  struct sockaddr_in address = {0};
  socklen_t size = sizeof address;
  raw(SYS_getsockname, s->listener, (long)&address, (long)&size, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
static void row_socket(struct scene* s) {
  (void)s;
  T(socket(AF_INET, SOCK_STREAM, 0));
  T(socket(AF_INET, SOCK_DGRAM, 0));
  T(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  T(socket(-1, SOCK_STREAM, 0));
}
static void row_socketpair(struct scene* s) {
  (void)s;
  int pair[2];
  T(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  T(pair[0]);
  T(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  T(socketpair(AF_INET, SOCK_STREAM, 0, pair));
}
static int one_waits(struct scene* s) {
  const struct sockaddr_in address = where(s);
  const int client = (int)raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0);
  raw(SYS_connect, client, (long)&address, sizeof address, 0);
  return s->listener;
}
static void row_accept(struct scene* s) {
  T(accept(one_waits(s), NULL, NULL));
  T(accept(s->listener, NULL, NULL));
  T(accept(s->a, NULL, NULL));
  T(accept(-1, NULL, NULL));
}
static void row_accept4(struct scene* s) {
  T(accept4(one_waits(s), NULL, NULL, SOCK_CLOEXEC));
  T(accept4(s->listener, NULL, NULL, 0));
  T(accept4(s->listener, NULL, NULL, -1));
  T(accept4(-1, NULL, NULL, 0));
}
#define CONNECTS(name)                                               \
  static void row_##name(struct scene* s) {                          \
    const struct sockaddr_in address = where(s);                     \
    const int fd = (int)raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0); \
    T(name(fd, (const struct sockaddr*)&address, sizeof address));   \
    T(name(fd, (const struct sockaddr*)&address, sizeof address));   \
    T(name(-1, (const struct sockaddr*)&address, sizeof address));   \
    T(name(s->listener, NULL, 0));                                   \
  }
CONNECTS(connect)
CONNECTS(__connect)
static void row_pidfd_getfd(struct scene* s) {
  const int self = (int)raw(SYS_pidfd_open, raw(SYS_getpid, 0, 0, 0, 0), 0, 0, 0);
  T(pidfd_getfd(self, s->a, 0));
  T(pidfd_getfd(self, -1, 0));
  T(pidfd_getfd(-1, 0, 0));
}
static void row_listen(struct scene* s) {
  T(listen((int)raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0), 4));
  T(listen(s->a, 4));
  T(listen(-1, 4));
}
static void row_shutdown(struct scene* s) {
  T(shutdown(s->a, SHUT_WR));
  T(shutdown(s->a, SHUT_RDWR));
  T(shutdown(s->a, 99));
  T(shutdown(s->in, SHUT_WR));
  T(shutdown(-1, SHUT_WR));
}
static void row_getsockopt(struct scene* s) {
  int value = 0;
  socklen_t size = sizeof value;
  T(getsockopt(s->a, SOL_SOCKET, SO_ERROR, &value, &size));
  T(value);
  T(getsockopt(s->a, SOL_SOCKET, SO_TYPE, &value, &size));
  T(getsockopt(s->a, SOL_SOCKET, 9999, &value, &size));
  T(getsockopt(-1, SOL_SOCKET, SO_ERROR, &value, &size));
}

static const struct timespec none = {0, 0};
static volatile nfds_t too_many = ~0UL; /* the compiler would complain */
#define POLLS(name, on, on_bad)             \
  static void row_##name(struct scene* s) { \
    POLLED;                                 \
    T(on);                                  \
    T(polled[0].revents);                   \
    T(on_bad);                              \
  }

POLLS(poll, poll(polled, 2, 0), poll(polled, too_many, 0))
POLLS(__poll, __poll(polled, 2, 0), __poll(polled, too_many, 0))
POLLS(ppoll, ppoll(polled, 2, &none, NULL), ppoll(polled, too_many, &none, NULL))
POLLS(__poll_chk, __poll_chk(polled, 2, 0, sizeof polled), __poll_chk(polled, 0, 0, 0))
POLLS(__ppoll_chk, __ppoll_chk(polled, 2, &none, NULL, sizeof polled), __ppoll_chk(polled, 0, &none, NULL, 0))
static void row_epoll_ctl(struct scene* s) {
  EVENT;
  T(epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->over, &event));
  T(epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->over, &event));
  T(epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->over, NULL));
  T(epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->a, NULL));
  T(epoll_ctl(-1, EPOLL_CTL_ADD, s->over, &event));
}
#define WAITS(name, on, on_bad)                                    \
  static void row_##name(struct scene* s) {                        \
    EVENT;                                                         \
    int set = s->epoll;                                            \
    raw(SYS_epoll_ctl, set, EPOLL_CTL_ADD, s->over, (long)&event); \
    T(on);                                                         \
    T(event.events);                                               \
    set = s->a;                                                    \
    T(on_bad);                                                     \
  }
WAITS(epoll_wait, epoll_wait(set, &event, 1, 0), epoll_wait(set, &event, 0, 0))
WAITS(epoll_pwait, epoll_pwait(set, &event, 1, 0, NULL), epoll_pwait(set, &event, 1, 0, NULL))
WAITS(epoll_pwait2, epoll_pwait2(set, &event, 1, &none, NULL), epoll_pwait2(set, &event, 1, &none, NULL))

#define CLOSES(name)                        \
  static void row_##name(struct scene* s) { \
    T(name(s->a));                          \
    T(name(s->a));                          \
    T(name(s->in));                         \
    T(name(-1));                            \
  }
CLOSES(close)
CLOSES(__close)
static void row_close_range(struct scene* s) {
  T(close_range((unsigned)s->a, (unsigned)s->b, 0));
  T(close_range((unsigned)s->over, (unsigned)s->over, CLOSE_RANGE_CLOEXEC));
  T(close_range(9, 8, 0));
  T(close_range(9, 10, -1));
  T(raw(SYS_fcntl, s->b, F_GETFD, 0, 0));
  T(raw(SYS_fcntl, s->over, F_GETFD, 0, 0));
}
static void row_closefrom(struct scene* s) {
  closefrom(s->over);
  T(raw(SYS_fcntl, s->over, F_GETFD, 0, 0));
  T(raw(SYS_fcntl, s->epoll, F_GETFD, 0, 0));
  T(raw(SYS_fcntl, s->a, F_GETFD, 0, 0));
}
static void row_dup(struct scene* s) {
  T(dup(s->a));
  T(dup(s->in));
  T(dup(-1));
}
#define COPIES_OVER(name)                   \
  static void row_##name(struct scene* s) { \
    T(name(s->a, s->over));                 \
    T(name(s->a, s->a));                    \
    T(name(s->in, s->b));                   \
    T(name(-1, s->b));                      \
    T(name(s->a, -1));                      \
  }
COPIES_OVER(dup2)
COPIES_OVER(__dup2)
static void row_dup3(struct scene* s) {
  T(dup3(s->a, s->over, O_CLOEXEC));
  T(dup3(s->a, s->a, 0));
  T(dup3(s->a, s->over, 1));
  T(dup3(-1, s->over, 0));
}
#define CONTROLS(name)                      \
  static void row_##name(struct scene* s) { \
    T(name(s->a, F_DUPFD, 50));             \
    T(name(s->a, F_DUPFD_CLOEXEC, 3));      \
    T(name(s->a, F_GETFL));                 \
    T(name(s->a, F_SETFD, FD_CLOEXEC));     \
    T(name(s->a, F_DUPFD, -1));             \
    T(name(-1, F_GETFD));                   \
    T(name(s->a, 9999));                    \
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
static void row_fdopen(struct scene* s) { STREAMS(fdopen, fclose); }
static void row_fclose(struct scene* s) { STREAMS(fdopen, fclose); }
static void row__IO_fdopen(struct scene* s) { STREAMS(_IO_fdopen, _IO_fclose); }
static void row__IO_fclose(struct scene* s) { STREAMS(_IO_fdopen, _IO_fclose); }
#define REOPENS(name)                        \
  static void row_##name(struct scene* s) {  \
    FILE* stream = fdopen(s->over, "r");     \
    stream = name("/dev/null", "r", stream); \
    P(stream);                               \
    T(fileno(stream));                       \
    P(name("/nowhere/at/all", "r", stream)); \
  }
REOPENS(freopen)
REOPENS(freopen64)

static void row_dlopen(struct scene* s) {
  (void)s;
  void* library = dlopen("libm.so.6", RTLD_NOW);
  T(library != NULL);
  T(dlclose(library));
  T(dlopen("/nowhere/at/all.so", RTLD_NOW) != NULL);
}
static void row_dlmopen(struct scene* s) {
  (void)s;
  void* library = dlmopen(LM_ID_BASE, "libm.so.6", RTLD_NOW);
  T(library != NULL);
  T(dlclose(library));
}
static void row_dlclose(struct scene* s) { row_dlopen(s); }

static void row_syscall(struct scene* s) {
  T(syscall(SYS_read, s->over, buffer, 8));
  T(syscall(SYS_read, s->over, buffer, 8));
  T(syscall(SYS_close, s->over));
  T(syscall(SYS_close, s->over));
  T(syscall(SYS_dup, s->a));
  T(syscall(SYS_dup3, s->a, s->in, 0));
  T(syscall(SYS_fcntl, s->a, F_DUPFD, 60));
  T(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
  T(syscall(SYS_shutdown, s->a, SHUT_RDWR));
  T(syscall(SYS_close_range, s->a, s->b, 0));
  T(syscall(-1));
}
static void row_prctl(struct scene* s) {
  (void)s;
  T(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  T(prctl(-1, 0, 0, 0, 0));
}
static void row_unshare(struct scene* s) {
  (void)s;
  T(unshare(0));
  T(unshare(1));
}
static void row_setns(struct scene* s) {
  T(setns(s->a, 0));
  T(setns(-1, 0));
}

#define NOWHERE "/nowhere/at/all"
static char* const no_arguments[] = {"x", NULL};
#define FAILS(name, call)                   \
  static void row_##name(struct scene* s) { \
    (void)s;                                \
    T(call);                                \
  }
FAILS(execve, execve(NOWHERE, no_arguments, no_arguments))
FAILS(execv, execv(NOWHERE, no_arguments))
FAILS(execvp, execvp(NOWHERE, no_arguments))
FAILS(execvpe, execvpe(NOWHERE, no_arguments, no_arguments))
FAILS(execveat, execveat(AT_FDCWD, NOWHERE, no_arguments, no_arguments, 0))
FAILS(execl, execl(NOWHERE, "x", "y", (char*)NULL))
FAILS(execlp, execlp(NOWHERE, "x", "y", (char*)NULL))
FAILS(execle, execle(NOWHERE, "x", "y", (char*)NULL, no_arguments))
static void row_fexecve(struct scene* s) { T(fexecve(s->in, no_arguments, no_arguments)); }

static int seven(void* unused) {
  (void)unused;
  return 7;
}
#define CLONES(name)                                                               \
  static void row_##name(struct scene* s) {                                        \
    (void)s;                                                                       \
    static _Alignas(16) char stack[65536];                                         \
    const int child = name(seven, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL); \
    int status = 0;                                                                \
    T(waitpid(child, &status, 0) == child);                                        \
    T(WEXITSTATUS(status));                                                        \
    T(name(NULL, NULL, 0, NULL));                                                  \
  }
CLONES(clone)
CLONES(__clone)

/* In a child, because they do not return. */
#define LEAVES(name, call)                  \
  static void row_##name(struct scene* s) { \
    (void)s;                                \
    const int child = fork();               \
    if (child == 0) {                       \
      call;                                 \
      raw(SYS_exit_group, 99, 0, 0, 0);     \
    }                                       \
    int status = 0;                         \
    T(waitpid(child, &status, 0) == child); \
    T(status);                              \
  }
LEAVES(_exit, _exit(5))
LEAVES(_Exit, _Exit(5))
LEAVES(quick_exit, quick_exit(5))
LEAVES(daemon, raw(SYS_exit_group, daemon(1, 1) == 0 ? 6 : 7, 0, 0, 0))
static void* ends(void* value) { pthread_exit(value); }
static void row_pthread_exit(struct scene* s) {
  pthread_t thread;
  void* value = NULL;
  if (pthread_create(&thread, NULL, ends, s) == 0) pthread_join(thread, &value);
  T(value == s);
}

#define ROW(name, needs) \
  { #name, row_##name, needs }
const struct row every_row[] = {ROW(socket, 0),
                                ROW(accept, 0),
                                ROW(accept4, 0),
                                ROW(socketpair, 0),
                                ROW(pidfd_getfd, 0),
                                ROW(listen, 0),
                                ROW(connect, 0),
                                ROW(__connect, 0),
                                ROW(shutdown, 0),
                                ROW(getsockopt, 0),
                                ROW(recv, 0),
                                ROW(recvfrom, 0),
                                ROW(read, 0),
                                ROW(readv, 0),
                                ROW(preadv2, 0),
                                ROW(__recv_chk, 0),
                                ROW(__recvfrom_chk, 0),
                                ROW(__read_chk, 0),
                                ROW(send, 0),
                                ROW(sendto, 0),
                                ROW(write, 0),
                                ROW(writev, 0),
                                ROW(pwritev2, 0),
                                ROW(sendfile, 0),
                                ROW(splice, 0),
                                ROW(__read, 0),
                                ROW(__write, 0),
                                ROW(__send, 0),
                                ROW(preadv64v2, 0),
                                ROW(pwritev64v2, 0),
                                ROW(sendfile64, 0),
                                ROW(recvmsg, 0),
                                ROW(sendmsg, 0),
                                ROW(recvmmsg, 0),
                                ROW(sendmmsg, 0),
                                ROW(poll, 0),
                                ROW(ppoll, 0),
                                ROW(__poll_chk, 0),
                                ROW(__ppoll_chk, 0),
                                ROW(epoll_ctl, 0),
                                ROW(epoll_wait, 0),
                                ROW(epoll_pwait, 0),
                                ROW(epoll_pwait2, 0),
                                ROW(__poll, 0),
                                ROW(close, 0),
                                ROW(close_range, 0),
                                ROW(closefrom, 0),
                                ROW(dup, 0),
                                ROW(dup2, 0),
                                ROW(dup3, 0),
                                ROW(fcntl, 0),
                                ROW(fcntl64, 0),
                                ROW(__close, 0),
                                ROW(__dup2, 0),
                                ROW(__fcntl, 0),
                                ROW(fdopen, 0),
                                ROW(fclose, 0),
                                ROW(freopen, 0),
                                ROW(freopen64, 0),
                                ROW(_IO_fdopen, 0),
                                ROW(_IO_fclose, 0),
                                ROW(dlclose, 0),
                                ROW(syscall, 0),
                                ROW(prctl, 0),
                                ROW(unshare, 0),
                                ROW(setns, 0),
                                ROW(execve, 0),
                                ROW(execv, 0),
                                ROW(execvp, 0),
                                ROW(execvpe, 0),
                                ROW(fexecve, 0),
                                ROW(execveat, 0),
                                ROW(execl, 0),
                                ROW(execlp, 0),
                                ROW(execle, 0),
                                ROW(daemon, NEEDS_A_PROCESS),
                                ROW(clone, NEEDS_A_PROCESS),
                                ROW(__clone, NEEDS_A_PROCESS),
                                ROW(dlopen, 0),
                                ROW(dlmopen, 0),
                                ROW(pthread_exit, NEEDS_A_PROCESS),
                                ROW(quick_exit, NEEDS_A_PROCESS),
                                ROW(_exit, NEEDS_A_PROCESS),
                                ROW(_Exit, NEEDS_A_PROCESS),
                                {NULL, NULL, 0}};

void call_row(const struct row* row, int to) {
  g_to = to;
  g_row = row->name;
  struct scene scene = set_scene();
  row->call(&scene);
  clear_scene(scene.a);
}

void call_every_row(int to, int without) {
  signal(SIGPIPE, SIG_IGN);
  for (const struct row* row = every_row; row->name != NULL; row++) {
    if ((row->needs & without) == 0) call_row(row, to);
  }
}

/* Preloaded behind libsocktrack.so: initialised before it, finished after it. */
static void call_at(const char* when) {
  const char* wanted = getenv("ROWS_AT");
  if (wanted != NULL && strstr(wanted, when) != NULL) call_every_row(STDOUT_FILENO, 0);
}
__attribute__((constructor)) static void before(void) { call_at("before"); }
__attribute__((destructor)) static void after(void) { call_at("after"); }
