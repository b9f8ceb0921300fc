// Grace 0: threads close what has ended, some milliseconds later.
#include <pthread.h>

#include "corpus.h"

static void* serve(void* at) {
  const int fd = (int)(long)at;
  read_to_end(fd);
  wait_ms(20);
  close(fd);
  return NULL;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int round = 0; round < 20; round++) {
    pthread_t threads[8];
    for (long i = 0; i < 8; i++) {
      visit(listener, "hello");
      require(pthread_create(&threads[i], NULL, serve, (void*)(long)taken(listener)) == 0, "thread");
    }
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  }
  close(listener);
  return done();
}
