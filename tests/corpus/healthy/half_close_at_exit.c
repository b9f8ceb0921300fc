// As half_close_peer_first, but the program is told to end while it still streams: that is no leak.
#include "corpus.h"

enum { kPairs = 3 };

int main(void) {
  const int listener = listen_at(AF_INET);
  int clients[kPairs], servers[kPairs];
  for (int i = 0; i < kPairs; i++) {
    clients[i] = dialled(listener);
    servers[i] = taken(listener);
    shutdown(clients[i], SHUT_WR);
    read_to_end(servers[i]);
  }
  for (int round = 0; round < 60; round++) {
    for (int i = 0; i < kPairs; i++) {
      say(servers[i], "tick\n");
      expect(clients[i], "tick\n");
    }
    wait_ms(grace_ms() / 15);
  }
  return done();
}
