// fdopen on a duplicate, so that fclose leaves the socket alone; then nobody closes the socket.
#include "corpus.h"

NAMED static int take_peer(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static int count_lines(int fd) {
  FILE* in = fdopen(dup(fd), "r");
  char line[64];
  int lines = 0;
  while (fgets(line, sizeof line, in) != NULL) lines++;
  fclose(in);
  return lines;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < 10; i++) {
    visit(listener, "one\ntwo\n");
    const int fd = take_peer(listener);
    require(count_lines(fd) == 2, "lines");
    if (i % 2 == 0) close(fd);
  }
  outlive_grace();
  close(listener);
  return done();
}
