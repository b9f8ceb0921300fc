// A proxy copies one way for many graces: the client has ended its side, the backend goes on sending.
#include "corpus.h"

int main(void) {
  const int front = listen_at(AF_INET), back = listen_at(AF_INET);
  const int client = dialled(front), left = taken(front), right = dialled(back), origin = taken(back);
  shutdown(client, SHUT_WR);
  read_to_end(left);
  shutdown(right, SHUT_WR);
  read_to_end(origin);
  char block[1024] = {0};
  for (int round = 0; round < 60; round++) {
    require(send(origin, block, sizeof block, 0) == sizeof block, "origin");
    require(recv(right, block, sizeof block, MSG_WAITALL) == sizeof block, "proxy");
    require(send(left, block, sizeof block, 0) == sizeof block, "proxy");
    require(recv(client, block, sizeof block, MSG_WAITALL) == sizeof block, "client");
    wait_ms(grace_ms() / 15);
  }
  close(origin);
  read_to_end(right);
  close(right);
  close(left);
  read_to_end(client);
  close(client);
  return done();
}
