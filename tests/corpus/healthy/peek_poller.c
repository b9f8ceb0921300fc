// A watchdog peeks at idle connections: it sees the end again and again, the owner closes on its next turn.
#include "corpus.h"

enum { kLinks = 4 };

int main(void) {
  const int listener = listen_at(AF_INET);
  int links[kLinks];
  for (int i = 0; i < kLinks; i++) {
    const int client = dialled(listener);
    links[i] = taken(listener);
    close(client);
  }
  for (int round = 0; round < 40; round++) {
    char one;
    for (int i = 0; i < kLinks; i++) require(recv(links[i], &one, 1, MSG_PEEK | MSG_DONTWAIT) == 0, "peek");
    wait_ms(grace_ms() / 15);
  }
  for (int i = 0; i < kLinks; i++) close(links[i]);
  return done();
}
