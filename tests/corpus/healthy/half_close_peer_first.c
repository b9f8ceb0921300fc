// The peer has said that it sends no more; we go on answering for many graces, then close.
#include "corpus.h"

enum { kPairs = 3 };

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
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
  for (int i = 0; i < kPairs; i++) {
    close(servers[i]);
    close(clients[i]);
  }
  return done();
}
