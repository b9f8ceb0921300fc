// The socket is read through a FILE to its end, and the FILE is never closed: no hook saw the read.
#include "corpus.h"

enum { kLeaks = 4, kHealthy = 4 };

NAMED static FILE* open_stream(int listener) {
  const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
  return fdopen(fd, "r");
}

NAMED static void read_lines(FILE* stream) {
  char line[64];
  while (fgets(line, sizeof line, stream) != NULL) continue;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "one\ntwo\n");
    FILE* stream = open_stream(listener);
    read_lines(stream);
    if (i >= kLeaks) fclose(stream);
  }
  outlive_grace();
  return done();
}
