// Resets and broken pipes, each followed by close().
#include "corpus.h"

enum { kSockets = 8 };

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  for (int i = 0; i < kSockets; i++) {
    const int client = dialled(listener), server = taken(listener);
    reset(client);
    char byte;
    if (i % 2 == 0)
      require(recv(server, &byte, 1, 0) < 0, "recv");
    else
      require(send(server, "x", 1, MSG_NOSIGNAL) < 0, "send");
    reset(server);
  }
  outlive_grace();
  return done();
}
