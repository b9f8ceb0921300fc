// A pool that holds its size: the server has closed what is idle, the client will see it on reuse.
#include "corpus.h"

enum { kPool = 5 };

int main(void) {
  const int listener = listen_at(AF_INET);
  int pool[kPool];
  for (int i = 0; i < kPool; i++) {
    pool[i] = dialled(listener);
    const int server = taken(listener);
    say(pool[i], "ping");
    expect(server, "ping");
    close(server);
  }
  outlive_grace();
  char one;
  for (int i = 0; i < kPool; i++) {  // reuse: found dead, opened anew
    require(recv(pool[i], &one, 1, 0) == 0, "recv");
    close(pool[i]);
    pool[i] = dialled(listener);
    const int server = taken(listener);
    say(pool[i], "ping");
    expect(server, "ping");
    close(server);
  }
  outlive_grace();
  return done();
}
