// Reads the answer to its end and leaves at once: the system closes.
#include "corpus.h"

int main(void) {
  const int listener = listen_at(AF_INET);
  const int client = dialled(listener), server = taken(listener);
  say(server, "HTTP/1.0 200 OK\r\n\r\nhello");
  close(server);
  read_to_end(client);
  return done();
}
