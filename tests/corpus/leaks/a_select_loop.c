// A select() loop that clears the bit of a finished client and thinks that was all.
#include <sys/select.h>

#include "corpus.h"

enum { kLeaks = 7, kHealthy = 3 };

NAMED static int add_client(int listener, fd_set* all) {
  const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
  FD_SET(fd, all);
  return fd;
}

NAMED static bool serve_ready(int fd, fd_set* all) {
  char data[64];
  const ssize_t n = recv(fd, data, sizeof data, 0);  // LEAK-SEEN
  if (n > 0 && data[0] == 'q') close(fd);
  if (n > 0 && data[0] != 'q') return false;
  FD_CLR(fd, all);
  return true;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  fd_set all;
  FD_ZERO(&all);
  int highest = 0;
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, i < kLeaks ? "go" : "q");
    const int fd = add_client(listener, &all);
    if (fd > highest) highest = fd;
  }
  for (int ended = 0; ended < kLeaks + kHealthy;) {
    fd_set ready = all;
    require(select(highest + 1, &ready, NULL, NULL, NULL) > 0, "select");
    for (int fd = 0; fd <= highest; fd++) {
      if (FD_ISSET(fd, &ready)) ended += serve_ready(fd, &all);
    }
  }
  outlive_grace();
  return done();
}
