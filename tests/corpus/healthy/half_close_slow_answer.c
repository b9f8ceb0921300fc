// The client ends its side; the server computes in silence for many graces, answers and closes.
#include "corpus.h"

enum { kPairs = 3 };

int main(void) {
  const int listener = listen_at(AF_INET);
  int clients[kPairs], servers[kPairs];
  for (int i = 0; i < kPairs; i++) {
    clients[i] = dialled(listener);
    servers[i] = taken(listener);
    say(clients[i], "question");
    shutdown(clients[i], SHUT_WR);
    read_to_end(servers[i]);
  }
  outlive_grace();
  for (int i = 0; i < kPairs; i++) {
    say(servers[i], "answer");
    close(servers[i]);
    read_to_end(clients[i]);
    close(clients[i]);
  }
  return done();
}
