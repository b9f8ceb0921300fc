// We have ended our side and the peer goes on sending for many graces.
#include "corpus.h"

enum { kPairs = 3 };

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  int clients[kPairs], servers[kPairs];
  for (int i = 0; i < kPairs; i++) {
    clients[i] = dialled(listener);
    servers[i] = taken(listener);
    say(clients[i], "request");
    shutdown(clients[i], SHUT_WR);
    expect(servers[i], "request");
  }
  for (int round = 0; round < 60; round++) {
    for (int i = 0; i < kPairs; i++) {
      say(servers[i], "part of the answer\n");
      expect(clients[i], "part of the answer\n");
    }
    wait_ms(grace_ms() / 15);
  }
  for (int i = 0; i < kPairs; i++) {
    read_to_end(servers[i]);
    close(servers[i]);
    read_to_end(clients[i]);
    close(clients[i]);
  }
  return done();
}
