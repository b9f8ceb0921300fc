// A server reads the end of the stream and returns to its accept loop without close().
#include "corpus.h"

enum { kLeaks = 9, kHealthy = 6 };

NAMED static bool read_request(int fd) {
  char line[64];
  return recv(fd, line, sizeof line, 0) > 0;  // LEAK-SEEN
}

NAMED static void finish_client(int fd) { close(fd); }

NAMED static void serve_client(int listener, bool forget) {
  const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
  while (read_request(fd)) continue;
  if (!forget) finish_client(fd);
}

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "GET / HTTP/1.0\r\n\r\n");
    serve_client(listener, i < kLeaks);
  }
  outlive_grace();
  return done();
}
