// Built with _FORTIFY_SOURCE: the compiler calls __read_chk and __recv_chk where it cannot prove the size.
#ifndef _FORTIFY_SOURCE
#define _FORTIFY_SOURCE 2
#endif
#include "corpus.h"

enum { kLeaks = 6, kHealthy = 2 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static bool read_some(int fd, size_t size, bool by_recv) {
  char data[64];
  if (by_recv) return recv(fd, data, size, 0) > 0;  // LEAK-SEEN
  return read(fd, data, size) > 0;                  // LEAK-SEEN
}

int main(int argc, char** argv) {
  (void)argv;
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "hello");
    const int fd = take_client(listener);
    while (read_some(fd, (size_t)argc * 8, i % 2 == 0)) continue;
    if (i >= kLeaks) close(fd);
  }
  outlive_grace();
  return done();
}
