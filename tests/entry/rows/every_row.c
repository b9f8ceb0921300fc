/* Every row of entrypoints.def, called with what succeeds and with what fails; each answer is told, with
 * errno. What it tells must be the same with and without the library: rows_test.cpp. */
#define _GNU_SOURCE
#include "every_row.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "told.h"

#define EVERY_ROW(ROW)               \
  ROW(socket, 0)                     \
  ROW(accept, 0)                     \
  ROW(accept4, 0)                    \
  ROW(socketpair, 0)                 \
  ROW(pidfd_getfd, 0)                \
  ROW(listen, 0)                     \
  ROW(connect, 0)                    \
  ROW(__connect, 0)                  \
  ROW(shutdown, 0)                   \
  ROW(getsockopt, 0)                 \
  ROW(recv, 0)                       \
  ROW(recvfrom, 0)                   \
  ROW(read, 0)                       \
  ROW(readv, 0)                      \
  ROW(preadv2, 0)                    \
  ROW(__recv_chk, 0)                 \
  ROW(__recvfrom_chk, 0)             \
  ROW(__read_chk, 0)                 \
  ROW(send, 0)                       \
  ROW(sendto, 0)                     \
  ROW(write, 0)                      \
  ROW(writev, 0)                     \
  ROW(pwritev2, 0)                   \
  ROW(sendfile, 0)                   \
  ROW(splice, 0)                     \
  ROW(__read, 0)                     \
  ROW(__write, 0)                    \
  ROW(__send, 0)                     \
  ROW(preadv64v2, 0)                 \
  ROW(pwritev64v2, 0)                \
  ROW(sendfile64, 0)                 \
  ROW(recvmsg, 0)                    \
  ROW(sendmsg, 0)                    \
  ROW(recvmmsg, 0)                   \
  ROW(sendmmsg, 0)                   \
  ROW(poll, 0)                       \
  ROW(ppoll, 0)                      \
  ROW(__poll_chk, 0)                 \
  ROW(__ppoll_chk, 0)                \
  ROW(epoll_ctl, 0)                  \
  ROW(epoll_wait, 0)                 \
  ROW(epoll_pwait, 0)                \
  ROW(epoll_pwait2, 0)               \
  ROW(__poll, 0)                     \
  ROW(close, 0)                      \
  ROW(close_range, 0)                \
  ROW(closefrom, 0)                  \
  ROW(dup, 0)                        \
  ROW(dup2, 0)                       \
  ROW(dup3, 0)                       \
  ROW(fcntl, 0)                      \
  ROW(fcntl64, 0)                    \
  ROW(__close, 0)                    \
  ROW(__dup2, 0)                     \
  ROW(__fcntl, 0)                    \
  ROW(fdopen, 0)                     \
  ROW(fclose, 0)                     \
  ROW(freopen, 0)                    \
  ROW(freopen64, 0)                  \
  ROW(_IO_fdopen, 0)                 \
  ROW(_IO_fclose, 0)                 \
  ROW(dlclose, 0)                    \
  ROW(syscall, 0)                    \
  ROW(prctl, 0)                      \
  ROW(unshare, 0)                    \
  ROW(setns, 0)                      \
  ROW(execve, 0)                     \
  ROW(execv, 0)                      \
  ROW(execvp, 0)                     \
  ROW(execvpe, 0)                    \
  ROW(fexecve, 0)                    \
  ROW(execveat, 0)                   \
  ROW(execl, 0)                      \
  ROW(execlp, 0)                     \
  ROW(execle, 0)                     \
  ROW(daemon, NEEDS_A_PROCESS)       \
  ROW(clone, NEEDS_A_PROCESS)        \
  ROW(__clone, NEEDS_A_PROCESS)      \
  ROW(vfork, NEEDS_A_PROCESS)        \
  ROW(__vfork, NEEDS_A_PROCESS)      \
  ROW(dlopen, 0)                     \
  ROW(dlmopen, 0)                    \
  ROW(pthread_exit, NEEDS_A_PROCESS) \
  ROW(quick_exit, NEEDS_A_PROCESS)   \
  ROW(_exit, NEEDS_A_PROCESS)        \
  ROW(_Exit, NEEDS_A_PROCESS)

#define DECLARE(name, needs) void row_##name(struct scene* s);
EVERY_ROW(DECLARE)
#define ENTER(name, needs) {#name, row_##name, needs},
const struct row every_row[] = {EVERY_ROW(ENTER){NULL, NULL, 0}};

static int g_to;
static const char* g_row;

void tell(int at, long answer, int error) {
  char line[128];
  const int size = snprintf(line, sizeof line, "%s:%d %ld errno %d\n", g_row, at, answer, error);
  raw(SYS_write, g_to, (long)line, size, 0);
}

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
