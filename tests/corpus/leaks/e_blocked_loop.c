// An event loop is stuck in a handler: it has been told of the end by poll and cannot act on it.
#include <pthread.h>

#include "corpus.h"

enum { kLeaks = 4 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static void slow_query(void) { outlive_grace(); }

NAMED static void* loop(void* argument) {
  const int listener = *(int*)argument;
  struct pollfd clients[kLeaks];
  for (int i = 0; i < kLeaks; i++) clients[i] = (struct pollfd){take_client(listener), POLLIN, 0};
  require(poll(clients, kLeaks, 10000) > 0, "poll");
  while (true) slow_query();
  return NULL;
}

int main(void) {
  int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks; i++) visit(listener, "");
  pthread_t thread;
  pthread_create(&thread, NULL, loop, &listener);
  outlive_grace();
  return done();
}
