// Read and write sides on a dup each, as FILE pairs need it; only one of them is closed.
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int open_link(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static void read_link(int fd) {
  char data[64];
  while (read(fd, data, sizeof data) > 0) continue;  // LEAK-SEEN
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "data");
    const int in = open_link(listener);
    const int out = i % 2 == 0 ? dup(in) : fcntl(in, F_DUPFD_CLOEXEC, 50);
    read_link(in);
    close(in);
    if (i >= kLeaks) close(out);
  }
  outlive_grace();
  return done();
}
