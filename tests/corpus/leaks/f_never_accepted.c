// The accept loop has stalled: clients came, spoke and went, and sit in the accept queue.
#include "corpus.h"

enum { kQueued = 5, kServed = 3 };

NAMED static int open_port(int family) {
  const int fd = socket(family, SOCK_STREAM, 0);  // LEAK-OPEN
  const Address address = any_address(family);
  require(bind(fd, (const struct sockaddr*)&address.name, address.size) == 0, "bind");
  require(listen(fd, 64) == 0, "listen");
  return fd;
}

int main(int argc, char** argv) {
  const int listener = open_port(family_named(argc, argv));
  for (int i = 0; i < kServed; i++) {
    visit(listener, "served");
    close(taken(listener));
  }
  for (int i = 0; i < kQueued; i++) visit(listener, "served never");
  outlive_grace();
  return done();
}
