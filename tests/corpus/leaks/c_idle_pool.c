// A pool that is never looked at again: the server has closed its idle connections long ago.
#include "corpus.h"

enum { kPool = 6 };
static int pool[kPool];

NAMED static void fill_pool(int listener, int* servers) {
  for (int i = 0; i < kPool; i++) {
    pool[i] = new_socket_for(listener);  // LEAK-OPEN
    dial(pool[i], listener);
    servers[i] = taken(listener);
    say(pool[i], "ping");
    expect(servers[i], "ping");
    say(servers[i], "pong");
    expect(pool[i], "pong");
  }
}

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  int servers[kPool];
  fill_pool(listener, servers);
  for (int i = 0; i < kPool; i++) close(servers[i]);
  outlive_grace();
  return done();
}
