// A pool looks at each connection before it is used again, by MSG_PEEK, and replaces the dead ones.
#include "corpus.h"

enum { kPool = 5, kRounds = 4 };

static bool is_alive(int fd) {
  char one;
  const ssize_t n = recv(fd, &one, 1, MSG_PEEK | MSG_DONTWAIT);
  return n > 0 || (n < 0 && errno == EAGAIN);
}

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  int pool[kPool], servers[kPool];
  for (int i = 0; i < kPool; i++) pool[i] = servers[i] = -1;
  for (int round = 0; round < kRounds; round++) {
    for (int i = 0; i < kPool; i++) {
      if (pool[i] >= 0 && !is_alive(pool[i])) {
        close(pool[i]);
        pool[i] = -1;
      }
      if (pool[i] < 0) {
        pool[i] = dialled(listener);
        servers[i] = taken(listener);
      }
      say(pool[i], "ping");
      expect(servers[i], "ping");
    }
    for (int i = round % 2; i < kPool; i += 2) {  // the server drops some of the idle ones
      if (servers[i] >= 0) close(servers[i]);
      servers[i] = -1;
    }
    wait_ms(2 * grace_ms());
    for (int i = 0; i < kPool; i++) {
      if (servers[i] >= 0) continue;
      if (!is_alive(pool[i])) close(pool[i]);
      pool[i] = -1;
    }
  }
  for (int i = 0; i < kPool; i++) {
    if (pool[i] < 0) continue;
    close(pool[i]);
    close(servers[i]);
  }
  return done();
}
