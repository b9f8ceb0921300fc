// A slow accept loop: clients wait in the queue, some give up, all are taken in the end.
#include "corpus.h"

enum { kClients = 8 };

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kClients; i++) visit(listener, "hello");
  for (int i = 0; i < kClients; i++) {
    wait_ms(grace_ms() / 3);
    const int fd = taken(listener);
    read_to_end(fd);
    close(fd);
  }
  outlive_grace();
  return done();
}
