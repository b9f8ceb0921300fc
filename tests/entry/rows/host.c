/* host LIBRARY PLACE: calls every row (every_row.c, in LIBRARY) from that place, and tells what each answers.
 *
 *   open deepbind namespace   as a plugin loaded so
 *   handler                   in a signal handler, while the same thread waits inside recv
 *   vfork fork _Fork          in such a child
 *   cancelled                 in a thread that was cancelled before: each row is left, or not
 *   jump                      out of a handler, over the waiting call; then all of them
 *   before, after             nothing is done here: LIBRARY is preloaded, and calls on its own */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "every_row.h"

static void (*every)(int, int);
static void (*one)(const struct row*, int);
static const struct row* rows;
static sigjmp_buf jump;

static void require(int good, const char* what) {
  if (good) return;
  perror(what);
  exit(2);
}

static void load(void* library) {
  require(library != NULL, "dlopen");
  every = (void (*)(int, int))dlsym(library, "call_every_row");
  one = (void (*)(const struct row*, int))dlsym(library, "call_row");
  rows = (const struct row*)dlsym(library, "every_row");
}

static void begin_again(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  require(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
  const struct itimerval often = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &often, NULL);
}

static void stop(void) {
  const struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
}

static void do_nothing(int unused) { (void)unused; }

/* Once. Should it have come before the call, the call waits for the next. */
static void in_handler(int unused) {
  (void)unused;
  every(1, 0);
  begin_again(do_nothing);
}
static void jump_away(int unused) {
  (void)unused;
  siglongjmp(jump, 1);
}

/* Nothing comes but the signal. */
static long wait_inside_recv(void (*handler)(int)) {
  int pair[2];
  char byte = 0;
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  begin_again(handler);
  const long result = (long)recv(pair[0], &byte, 1, 0);
  stop();
  return result;
}

static void in_child(pid_t child) {
  int status = 0;
  require(waitpid(child, &status, 0) == child, "waitpid");
  printf("child %d\n", status);
}

static void tell_row(void* name) { printf("%s is left\n", (const char*)name); }
static void* cancelled(void* argument) {
  const struct row* row = argument;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  pthread_cleanup_push(tell_row, (void*)row->name);
  pthread_cancel(pthread_self());
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  one(row, 1);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  pthread_cleanup_pop(0);
  return argument;
}
static void cancel_each(void) {
  for (const struct row* row = rows; row->name != NULL; row++) {
    if (row->needs != 0) continue;
    /* In a process of its own: what a row left open when it was left stays there. */
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      void* value = NULL;
      require(pthread_create(&thread, NULL, cancelled, (void*)row) == 0, "pthread_create");
      require(pthread_join(thread, &value) == 0, "pthread_join");
      printf("%s %s\n", row->name, value == PTHREAD_CANCELED ? "cancelled" : "ended");
      fflush(stdout);
      _exit(0);
    }
    in_child(child);
  }
}

int main(int argc, char** argv) {
  require(argc == 3, "usage");
  setvbuf(stdout, NULL, _IOLBF, 4096);
  const int first = socket(AF_INET, SOCK_STREAM, 0); /* the library is at work from here on */
  require(first >= 3, "socket");
  const char* place = argv[2];
  if (strcmp(place, "before") == 0 || strcmp(place, "after") == 0) return 0;
  int mode = RTLD_NOW;
  if (strcmp(place, "deepbind") == 0) mode |= RTLD_DEEPBIND;
  load(strcmp(place, "namespace") == 0 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : dlopen(argv[1], mode));
  if (strcmp(place, "handler") == 0) {
    printf("recv %ld\n", wait_inside_recv(in_handler));
  } else if (strcmp(place, "jump") == 0) {
    if (sigsetjmp(jump, 1) == 0) wait_inside_recv(jump_away);
    stop();
    every(1, 0);
  } else if (strcmp(place, "vfork") == 0) {
    fflush(stdout);
    const pid_t child = vfork();
    if (child == 0) {
      every(1, NEEDS_A_PROCESS);
      _exit(3);
    }
    in_child(child);
  } else if (strcmp(place, "fork") == 0 || strcmp(place, "_Fork") == 0) {
    fflush(stdout);
    const pid_t child = *place == '_' ? _Fork() : fork();
    if (child == 0) {
      every(1, 0);
      _exit(3);
    }
    in_child(child);
  } else if (strcmp(place, "cancelled") == 0) {
    cancel_each();
  } else {
    every(1, 0);
  }
  return 0;
}
