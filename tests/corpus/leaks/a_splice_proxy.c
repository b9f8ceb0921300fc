// A proxy that copies with splice() in the kernel; splice returns 0 and the client is forgotten.
#include "corpus.h"

enum { kLeaks = 4, kHealthy = 3 };

NAMED static int take_client(int front) { return accept(front, NULL, NULL); }  // LEAK-OPEN

NAMED static ssize_t pull(int client, int pipe_in) {
  return splice(client, NULL, pipe_in, NULL, 4096, SPLICE_F_MOVE);  // LEAK-SEEN
}

int main(void) {
  const int front = listen_at(AF_INET);
  const int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    int pipes[2];
    require(pipe2(pipes, O_CLOEXEC) == 0, "pipe2");
    visit(front, "through the kernel");
    const int client = take_client(front);
    while (pull(client, pipes[1]) > 0) {
      require(splice(pipes[0], NULL, sink, NULL, 4096, SPLICE_F_MOVE) > 0, "splice");
    }
    close(pipes[0]);
    close(pipes[1]);
    if (i >= kLeaks) close(client);
  }
  outlive_grace();
  return done();
}
