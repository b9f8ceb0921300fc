// The other direction, in the kernel: the backend has ended its side, the client uploads through splice().
#include "corpus.h"

int main(void) {
  const int front = listen_at(AF_INET), back = listen_at(AF_INET);
  const int client = dialled(front), left = taken(front), right = dialled(back), origin = taken(back);
  int pipes[2];
  require(pipe(pipes) == 0, "pipe");
  shutdown(origin, SHUT_WR);
  read_to_end(right);
  char block[1024] = {0};
  for (int round = 0; round < 60; round++) {
    require(send(client, block, sizeof block, 0) == sizeof block, "client");
    for (size_t moved = 0; moved < sizeof block;) {
      const ssize_t n = splice(left, NULL, pipes[1], NULL, sizeof block, 0);
      require(n > 0 && splice(pipes[0], NULL, right, NULL, (size_t)n, 0) == n, "splice");
      moved += (size_t)n;
    }
    require(recv(origin, block, sizeof block, MSG_WAITALL) == sizeof block, "origin");
    wait_ms(grace_ms() / 15);
  }
  close(client);
  require(splice(left, NULL, pipes[1], NULL, 1, 0) == 0, "end");
  close(left);
  close(right);
  close(origin);
  return done();
}
