// Two preforked workers share the listener of the parent; both get stuck, and the queue fills.
#include "corpus.h"

NAMED static int open_port(void) {
  return listen_at(AF_INET);  // LEAK-OPEN
}

static int worker(int listener) {
  const int fd = taken(listener);
  read_to_end(fd);
  close(fd);
  outlive_grace();
  outlive_grace();
  return EXIT_SUCCESS;
}

int main(void) {
  const int listener = open_port();
  pid_t workers[2];
  for (int i = 0; i < 2; i++) {
    workers[i] = fork();
    if (workers[i] == 0) return worker(listener);
    visit(listener, "first");
    struct pollfd one = {listener, POLLIN, 0};
    while (poll(&one, 1, 0) == 1) wait_ms(10);
  }
  for (int i = 0; i < 5; i++) visit(listener, "later");
  for (int i = 0; i < 2; i++) wait_for(workers[i]);
  close(listener);
  return done();
}
