// Optimised when it is linked: all of it is one function, and its parts were written in another unit.
#include "corpus.h"

static int connect_to(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  dial(fd, listener);
  return fd;
}

static ssize_t read_line(int fd, char* to, size_t room) {
  size_t have = 0;
  while (have < room) {
    const ssize_t n = recv(fd, to + have, room - have, 0);  // LEAK-SEEN
    if (n <= 0) return n;
    have += (size_t)n;
  }
  return (ssize_t)have;
}

static int ask(int listener) {
  char line[32];
  const int fd = connect_to(listener);
  const int server = taken(listener);
  say(server, "half");
  close(server);
  if (read_line(fd, line, sizeof line) <= 0) return -1;
  close(fd);
  return 0;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < 5; i++) require(ask(listener) == -1, "ask");
  outlive_grace();
  close(listener);
  return done();
}
