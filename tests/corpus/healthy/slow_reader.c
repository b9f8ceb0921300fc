// The server has sent all and closed; the client takes what lies in its receive queue at its own pace.
#include "corpus.h"

enum { kParts = 60, kPart = 512 };

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  const int client = dialled(listener), server = taken(listener);
  char data[kParts * kPart] = {0};
  require(send(server, data, sizeof data, 0) == sizeof data, "send");
  close(server);
  for (int i = 0; i < kParts; i++) {
    require(recv(client, data, kPart, MSG_WAITALL) == kPart, "recv");
    wait_ms(grace_ms() / 15);
  }
  return done();  // the end of the stream was not even reached
}
