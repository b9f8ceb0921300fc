// The health check of a pool notices that a connection is dead and takes it out, without closing it.
#include "corpus.h"

NAMED static int open_link(int listener) {
  return dialled(listener);  // LEAK-OPEN
}

// The first ping after the peer's end draws a reset.
NAMED static bool ping(int fd) {
  for (int i = 0; i < 2000; i++) {
    if (send(fd, "ping", 4, MSG_NOSIGNAL) < 0) return false;  // LEAK-SEEN
    wait_ms(1);
  }
  return true;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  int pool[8];
  for (int i = 0; i < 8; i++) {
    pool[i] = open_link(listener);
    close(taken(listener));
    require(!ping(pool[i]), "ping");
  }
  for (int i = 0; i < 3; i++) close(pool[i]);
  outlive_grace();
  close(listener);
  return done();
}
