// A client gives up after its timeout and forgets the socket; the server closes in its own time.
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int open_rpc(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  dial(fd, listener);
  return fd;
}

NAMED static bool wait_for_reply(int fd, int timeout_ms) {
  struct pollfd one = {fd, POLLIN, 0};
  return poll(&one, 1, timeout_ms) == 1;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int fd = open_rpc(listener);
    const int server = taken(listener);
    if (i >= kLeaks) say(server, "reply");
    const bool answered = wait_for_reply(fd, i < kLeaks ? 5 : 5000);
    close(server);
    if (answered) close(fd);
  }
  outlive_grace();
  return done();
}
