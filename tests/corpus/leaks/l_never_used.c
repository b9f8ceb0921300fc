// socket() and nothing after it: not in netstat, not in ss, until the descriptors run out (teku, polipo).
#include "corpus.h"

enum { kLeaks = 8 };

NAMED static int prepare_probe(void) { return socket(AF_INET, SOCK_STREAM, 0); }  // LEAK-OPEN

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks; i++) require(prepare_probe() >= 0, "socket");
  visit(listener, "healthy");
  close(taken(listener));
  outlive_grace();
  return done();
}
