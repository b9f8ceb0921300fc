// The peer resets idle connections: they are in no table of the kernel, and nobody has looked at them since.
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int client = dialled(listener);
    const int fd = take_client(listener);
    reset(client);
    if (i >= kLeaks) close(fd);
  }
  outlive_grace();
  return done();
}
