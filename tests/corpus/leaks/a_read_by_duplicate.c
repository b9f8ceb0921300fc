// The reader works on a duplicate and closes it after the end; the original stays.
#include "corpus.h"

NAMED static int take_peer(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static void drain(int fd) {
  char text[64];
  const int own = fcntl(fd, F_DUPFD_CLOEXEC, 100);
  while (read(own, text, sizeof text) > 0) continue;  // LEAK-SEEN
  close(own);
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < 10; i++) {
    visit(listener, "hello");
    const int fd = take_peer(listener);
    drain(fd);
    if (i % 2 == 0) close(fd);
  }
  outlive_grace();
  close(listener);
  return done();
}
