// A child that leaks is ended by SIGTERM, without a handler.
#include <signal.h>

#include "corpus.h"

NAMED static int take_client(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static void read_all(int fd) {
  char text[64];
  while (recv(fd, text, sizeof text, 0) > 0) continue;  // LEAK-SEEN
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const pid_t child = fork();
  if (child == 0) {
    for (;;) read_all(take_client(listener));
  }
  for (int i = 0; i < 4; i++) visit(listener, "hello");
  outlive_grace();
  kill(child, SIGTERM);
  waitpid(child, NULL, 0);
  close(listener);
  return done();
}
