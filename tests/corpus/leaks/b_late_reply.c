// As above, but the reply comes after the timeout: it stays unread for ever.
#include "corpus.h"

enum { kLeaks = 5 };

NAMED static int open_rpc(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  dial(fd, listener);
  return fd;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks; i++) {
    const int fd = open_rpc(listener);
    struct pollfd one = {fd, POLLIN, 0};
    const int server = taken(listener);
    require(poll(&one, 1, 5) == 0, "timeout");
    say(server, "too late");
    close(server);
  }
  outlive_grace();
  return done();
}
