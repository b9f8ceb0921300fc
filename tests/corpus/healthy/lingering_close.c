// Lingering close: we end our side, read and throw away what still comes for many graces, then close.
#include "corpus.h"

enum { kPairs = 3 };

int main(void) {
  const int listener = listen_at(AF_INET);
  int clients[kPairs], servers[kPairs];
  for (int i = 0; i < kPairs; i++) {
    clients[i] = dialled(listener);
    servers[i] = taken(listener);
    say(servers[i], "413 Too Large");
    shutdown(servers[i], SHUT_WR);
    expect(clients[i], "413 Too Large");
  }
  for (int round = 0; round < 40; round++) {
    for (int i = 0; i < kPairs; i++) {
      say(clients[i], "still uploading");
      expect(servers[i], "still uploading");
    }
    wait_ms(grace_ms() / 15);
  }
  for (int i = 0; i < kPairs; i++) {
    close(clients[i]);
    read_to_end(servers[i]);
    close(servers[i]);
  }
  return done();
}
