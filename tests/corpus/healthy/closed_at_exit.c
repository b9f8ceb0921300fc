// Ends seen just before the program ends are closed by its exit handler: nothing was leaked.
#include "corpus.h"

enum { kSockets = 5 };
static int sockets[kSockets];

static void close_all(void) {
  for (int i = 0; i < kSockets; i++) close(sockets[i]);
}

int main(void) {
  atexit(close_all);
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kSockets; i++) {
    visit(listener, "hello");
    sockets[i] = taken(listener);
    read_to_end(sockets[i]);
  }
  return done();
}
