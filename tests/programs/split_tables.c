// Threads that leave the program's descriptor table: one number is then two sockets.
//
//   worker        a worker leaves, closes all it took along, and uses the same numbers for its own
//   worker_exits  ... and ends the program
//   worker_forks  ... and forks: the child leaks one more
//   main          the main thread leaves, and a worker uses the same numbers
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "loopback.h"

static const char* mode;
static int to_worker[2], to_main[2];

static int is(const char* name) { return strcmp(mode, name) == 0; }

static void pass(int to) { require(write(to, "x", 1) == 1, "write"); }
static void await(int from) {
  char byte = 0;
  require(read(from, &byte, 1) == 1, "read");
}

NAMED static int leak(int listener) {
  const int client = connect_to(listener);
  const int served = accept_client(listener);
  close(client);
  char byte = 0;
  require(recv(served, &byte, 1, 0) == 0, "recv");
  return served;
}

static void leave(void) {
  require(unshare(CLONE_FILES) == 0, "unshare");
  for (int fd = 3; fd < 64; fd++) {
    if (fd != to_worker[0] && fd != to_main[1] && fd != to_worker[1] && fd != to_main[0]) close(fd);
  }
}

static void leak_some(void) {
  const int listener = listen_any();
  for (int i = 0; i < 4; i++) leak(listener);
}

static void* work(void* unused) {
  await(to_worker[0]);
  if (!is("main")) leave();
  leak_some();
  if (is("worker_forks")) {
    const pid_t child = fork();
    if (child == 0) {
      leak(listen_any());
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  pass(to_main[1]);
  if (is("worker_exits")) exit(0);
  await(to_worker[0]);
  return unused;
}

int main(int argc, char** argv) {
  require(argc == 2, "usage");
  mode = argv[1];
  require(pipe(to_worker) == 0 && pipe(to_main) == 0, "pipe");
  const int listener = listen_any();
  const int client = connect_to(listener);
  const int served = accept_client(listener);
  leak(listener);
  pthread_t worker;
  require(pthread_create(&worker, NULL, work, NULL) == 0, "pthread_create");
  if (is("main")) leave();
  pass(to_worker[1]);
  if (is("worker_exits")) pause();
  await(to_main[0]);
  if (!is("main")) {
    close(served);
    struct pollfd peer = {client, POLLIN, 0};
    printf("the peer is told: %d\n", poll(&peer, 1, 3000));
    close(client);
  }
  return done();
}
