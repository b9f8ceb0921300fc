// The request is refused as too long after the first part of it was read; the connection is dropped on the
// floor.
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int take_request(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static bool read_header(int fd) {
  char header[16];
  const ssize_t n = recv(fd, header, sizeof header, 0);
  return n < (ssize_t)sizeof header;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, i < kLeaks ? "GET /a/very/long/path/that/never/ends HTTP/1.1\r\n\r\n" : "GET /\r\n");
    const int fd = take_request(listener);
    if (read_header(fd)) close(fd);
  }
  outlive_grace();
  return done();
}
