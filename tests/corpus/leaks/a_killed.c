// Leaks, and is killed: what was told before outlives it. Before the kill, one that is younger than the
// grace.
#include <signal.h>

#include "corpus.h"

NAMED static int take_client(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static void read_all(int fd) {
  char text[64];
  while (read(fd, text, sizeof text) > 0) continue;  // LEAK-SEEN
}

int main(int argc, char** argv) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child != 0) {
    waitpid(child, NULL, 0);
    return done();
  }
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < 6; i++) {
    if (i == 4) outlive_grace();
    visit(listener, "hello");
    read_all(take_client(listener));
  }
  if (has_argument(argc, argv, "abort")) abort();
  raise(SIGKILL);
}
