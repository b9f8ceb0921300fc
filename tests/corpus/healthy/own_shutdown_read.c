// We end our own reading side: recv gives 0 though the peer is there, and we go on writing for many graces.
#include "corpus.h"

int main(void) {
  const int listener = listen_at(AF_INET);
  const int client = dialled(listener), server = taken(listener);
  shutdown(server, SHUT_RD);
  read_to_end(server);
  outlive_grace();
  for (int i = 0; i < 30; i++) {
    say(server, "event");
    expect(client, "event");
    wait_ms(grace_ms() / 15);
  }
  return done();
}
