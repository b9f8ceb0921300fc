// Threads that open, transfer and close without pause, and beside them one that leaks: whoever closes the
// leaks frees numbers that the others take at once. Each byte must stay on its own connection.
//   reuse_race ROUNDS THREADS
// Leaks from the start; begins to race at the first line of its input, ends when the rounds are over and some
// leaks were closed beside them, or a million rounds later.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loopback.h"

#define BATCH 64

static atomic_long rounds_left, leaks_ended;
static atomic_bool over;

struct token {
  uint64_t thread, round;
};

static void transfer(int from, int to, struct token token) {
  require(send(from, &token, sizeof token, MSG_NOSIGNAL) == sizeof token, "send");
  struct token seen;
  require(recv(to, &seen, sizeof seen, MSG_WAITALL) == sizeof seen, "recv");
  if (seen.thread == token.thread && seen.round == token.round) return;
  fprintf(stderr, "thread %lu got the bytes of thread %lu\n", (unsigned long)token.thread,
          (unsigned long)seen.thread);
  exit(EXIT_FAILURE);
}

static bool goes_on(void) {
  const long left = atomic_fetch_sub(&rounds_left, 1);
  return left > 0 || (left > -1000000 && atomic_load(&leaks_ended) == 0);
}

static void* race(void* argument) {
  const uint64_t thread = (uint64_t)(uintptr_t)argument;
  const int listener = listen_any();
  for (uint64_t round = 0; goes_on(); round++) {
    const int client = connect_to(listener);
    const int server = accept_client(listener);
    const int copy = dup(server);
    require(copy >= 0, "dup");
    const struct token token = {thread, round};
    transfer(client, server, token);
    transfer(copy, client, token);
    require(close(copy) == 0, "close");
    // A reset leaves no TIME_WAIT, or there would be no ports left soon.
    reset(client);
    require(close(server) == 0, "close");
  }
  require(close(listener) == 0, "close");
  return NULL;
}

NAMED static int leak_one(int listener) {
  const int peer = connect_to(listener);
  const int fd = accept_client(listener);
  require(shutdown(peer, SHUT_WR) == 0, "shutdown");
  read_to_end(fd);
  return peer;
}

// The next leaks come when somebody has closed these: their peers see the end then, and never a reset.
static void* leak(void* argument) {
  const int listener = *(int*)argument;
  int peers[BATCH];
  while (!atomic_load(&over)) {
    for (int i = 0; i < BATCH; i++) peers[i] = leak_one(listener);
    for (int i = 0; i < BATCH; i++) {
      char byte;
      require(recv(peers[i], &byte, 1, 0) == 0, "peer of a leak");
      reset(peers[i]);
      atomic_fetch_add(&leaks_ended, 1);
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  require(argc == 3, "ROUNDS THREADS");
  atomic_store(&rounds_left, atol(argv[1]));
  const int count = atoi(argv[2]);
  int listener = listen_any();
  pthread_t leaker, racers[64];
  require(count <= 64 && pthread_create(&leaker, NULL, leak, &listener) == 0, "pthread_create");
  puts("leaking");
  fflush(stdout);
  char line[16];
  require(fgets(line, sizeof line, stdin) != NULL, "stdin");
  for (int i = 0; i < count; i++)
    require(pthread_create(&racers[i], NULL, race, (void*)(uintptr_t)(i + 1)) == 0, "pthread_create");
  for (int i = 0; i < count; i++) pthread_join(racers[i], NULL);
  atomic_store(&over, true);
  printf("%ld leaks ended\n", atomic_load(&leaks_ended));
  return done();
}
