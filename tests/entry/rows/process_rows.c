/* Rows of the process itself: libraries, filters, tables of its own, exec, clone, the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "told.h"

int __clone(int (*)(void*), void*, int, void*, ...);
int __vfork(void) __attribute__((returns_twice));

static char buffer[64];

void row_dlopen(struct scene* s) {
  (void)s;
  void* library = dlopen("libm.so.6", RTLD_NOW);
  T(library != NULL);
  T(dlclose(library));
  T(dlopen("/nowhere/at/all.so", RTLD_NOW) != NULL);
}
void row_dlmopen(struct scene* s) {
  (void)s;
  void* library = dlmopen(LM_ID_BASE, "libm.so.6", RTLD_NOW);
  T(library != NULL);
  T(dlclose(library));
}
void row_dlclose(struct scene* s) { row_dlopen(s); }

void row_syscall(struct scene* s) {
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
void row_prctl(struct scene* s) {
  (void)s;
  T(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  T(prctl(-1, 0, 0, 0, 0));
}
void row_unshare(struct scene* s) {
  (void)s;
  T(unshare(0));
  T(unshare(1));
}
void row_setns(struct scene* s) {
  T(setns(s->a, 0));
  T(setns(-1, 0));
}

#define NOWHERE "/nowhere/at/all"
static char* const no_arguments[] = {"x", NULL};
#define FAILS(name, call)            \
  void row_##name(struct scene* s) { \
    (void)s;                         \
    T(call);                         \
  }
FAILS(execve, execve(NOWHERE, no_arguments, no_arguments))
FAILS(execv, execv(NOWHERE, no_arguments))
FAILS(execvp, execvp(NOWHERE, no_arguments))
FAILS(execvpe, execvpe(NOWHERE, no_arguments, no_arguments))
FAILS(execveat, execveat(AT_FDCWD, NOWHERE, no_arguments, no_arguments, 0))
FAILS(execl, execl(NOWHERE, "x", "y", (char*)NULL))
FAILS(execlp, execlp(NOWHERE, "x", "y", (char*)NULL))
FAILS(execle, execle(NOWHERE, "x", "y", (char*)NULL, no_arguments))
void row_fexecve(struct scene* s) { T(fexecve(s->in, no_arguments, no_arguments)); }

static int seven(void* unused) {
  (void)unused;
  return 7;
}
#define CLONES(name)                                                               \
  void row_##name(struct scene* s) {                                               \
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

#define VFORKS(name)                                 \
  void row_##name(struct scene* s) {                 \
    (void)s;                                         \
    const int child = name();                        \
    if (child == 0) raw(SYS_exit_group, 7, 0, 0, 0); \
    int status = 0;                                  \
    T(waitpid(child, &status, 0) == child);          \
    T(WEXITSTATUS(status));                          \
  }
VFORKS(vfork)
VFORKS(__vfork)

/* In a child, because they do not return. */
#define LEAVES(name, call)                  \
  void row_##name(struct scene* s) {        \
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
void row_pthread_exit(struct scene* s) {
  pthread_t thread;
  void* value = NULL;
  if (pthread_create(&thread, NULL, ends, s) == 0) pthread_join(thread, &value);
  T(value == s);
}
