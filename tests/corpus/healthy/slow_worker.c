// Workers read the end, work for many graces, and close after that.
#include <pthread.h>

#include "corpus.h"

enum { kWorkers = 4 };
static int listener;

static void* worker(void* unused) {
  (void)unused;
  const int fd = taken(listener);
  read_to_end(fd);
  outlive_grace();
  close(fd);
  return NULL;
}

int main(int argc, char** argv) {
  listener = listen_at(family_named(argc, argv));
  pthread_t threads[kWorkers];
  for (int i = 0; i < kWorkers; i++) visit(listener, "a long job");
  for (int i = 0; i < kWorkers; i++) pthread_create(&threads[i], NULL, worker, NULL);
  for (int i = 0; i < kWorkers; i++) pthread_join(threads[i], NULL);
  return done();
}
