// Workers have taken their clients and wait for a lock that nobody will release (brpc, 3proxy).
#include <pthread.h>

#include "corpus.h"

enum { kWorkers = 4 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int listener;

NAMED static int take_job(void) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static void* worker(void* ready) {
  const int fd = take_job();
  char first;
  require(recv(fd, &first, 1, 0) == 1, "recv");
  require(write(*(int*)ready, "r", 1) == 1, "ready");
  pthread_mutex_lock(&lock);
  close(fd);
  pthread_mutex_unlock(&lock);
  return NULL;
}

int main(void) {
  int ready[2];
  require(pipe(ready) == 0, "pipe");
  listener = listen_at(AF_INET);
  pthread_mutex_lock(&lock);
  pthread_t threads[kWorkers];
  for (int i = 0; i < kWorkers; i++) pthread_create(&threads[i], NULL, worker, &ready[1]);
  for (int i = 0; i < kWorkers; i++) visit(listener, "a request of some length");
  char one;
  for (int i = 0; i < kWorkers; i++) require(read(ready[0], &one, 1) == 1, "worker");
  outlive_grace();
  return done();
}
