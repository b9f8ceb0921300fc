// Four workers accept a connection each and then wait for a lock that nobody gives back; meanwhile their
// peers send a request and give up. "half_open": the program shuts down its side of three connections whose
// peers never close; nobody waits for them, but on a fourth one a thread does.
#include <poll.h>
#include <pthread.h>

#include "loopback.h"

enum { kWorkers = 4, kSilent = 3 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t accepted;
static int listener;
static int servers[kWorkers];

NAMED static void* work(void* index) {
  pthread_setname_np(pthread_self(), "worker");
  const int server = accept_client(listener);
  servers[(size_t)index] = server;
  pthread_barrier_wait(&accepted);
  pthread_mutex_lock(&lock);
  read_to_end(server);
  close(server);
  pthread_mutex_unlock(&lock);
  return NULL;
}

NAMED static void* wait_for_answer(void* fd) {
  char byte;
  require(recv((int)(size_t)fd, &byte, 1, 0) == 0, "recv");
  close((int)(size_t)fd);
  return NULL;
}

// The tests say when it is enough.
static void wait_for_line(void) {
  puts("ready");
  fflush(stdout);
  char line[16];
  require(fgets(line, sizeof line, stdin) != NULL, "stdin");
}

static void half_open(void) {
  int peers[kSilent + 1];
  pthread_t waiter;
  for (int i = 0; i <= kSilent; i++) {
    const int client = connect_to(listener);
    peers[i] = accept_client(listener);
    require(shutdown(client, SHUT_WR) == 0, "shutdown");
    read_to_end(peers[i]);
    if (i == kSilent)
      require(pthread_create(&waiter, NULL, wait_for_answer, (void*)(size_t)client) == 0, "thread");
  }
  wait_for_line();
  for (int i = 0; i <= kSilent; i++) close(peers[i]);
  pthread_join(waiter, NULL);
}

static void stuck(void) {
  pthread_t workers[kWorkers];
  int clients[kWorkers];
  pthread_barrier_init(&accepted, NULL, kWorkers + 1);
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < kWorkers; i++)
    require(pthread_create(&workers[i], NULL, work, (void*)i) == 0, "pthread_create");
  for (int i = 0; i < kWorkers; i++) clients[i] = connect_to(listener);
  pthread_barrier_wait(&accepted);
  for (int i = 0; i < kWorkers; i++) {
    say(clients[i], "request\n");
    close(clients[i]);
  }
  wait_for_line();
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < kWorkers; i++) pthread_join(workers[i], NULL);
}

int main(int argc, char** argv) {
  listener = listen_any();
  if (has_argument(argc, argv, "half_open")) {
    half_open();
  } else {
    stuck();
  }
  close(listener);
  return done();
}
