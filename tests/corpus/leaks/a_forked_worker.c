// Prefork: the worker accepts on the inherited listener and forgets its clients.
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 5, kWorkers = 2 };

NAMED static void read_until_gone(int fd) {
  char line[64];
  while (recv(fd, line, sizeof line, 0) > 0) continue;  // LEAK-SEEN
}

NAMED static void worker(int listener) {
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
    read_until_gone(fd);
    if (i >= kLeaks) close(fd);
  }
  outlive_grace();
}

int main(void) {
  const int listener = listen_at(AF_INET);
  pid_t workers[kWorkers];
  for (int i = 0; i < kWorkers; i++) {
    workers[i] = fork();
    if (workers[i] != 0) continue;
    worker(listener);
    exit(EXIT_SUCCESS);
  }
  for (int i = 0; i < kWorkers * (kLeaks + kHealthy); i++) visit(listener, "work");
  for (int i = 0; i < kWorkers; i++) wait_for(workers[i]);
  return done();
}
