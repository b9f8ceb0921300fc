// The classic forking server whose parent forgets its copy: each child serves its client and ends.
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static void serve(int fd) { read_to_end(fd); }

NAMED static void fork_server(int listener, bool forget) {
  const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
  const pid_t child = fork();
  if (child == 0) {
    serve(fd);
    close(fd);
    exit(EXIT_SUCCESS);
  }
  if (!forget) close(fd);
  wait_for(child);
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "request");
    fork_server(listener, i < kLeaks);
  }
  outlive_grace();
  return done();
}
