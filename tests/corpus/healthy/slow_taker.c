// The peer has ended its side and takes our answer slowly: the send queue stays full for many graces.
#include "corpus.h"

int main(void) {
  const int listener = listen_at(AF_INET);
  const int client = new_socket_for(listener);
  const int small = 4096;
  setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  dial(client, listener);
  const int server = taken(listener);
  shutdown(client, SHUT_WR);
  read_to_end(server);
  no_block(server);
  char data[65536] = {0};
  while (send(server, data, sizeof data, MSG_NOSIGNAL) > 0) continue;
  outlive_grace();
  require(recv(client, data, 100, MSG_WAITALL) == 100, "recv");
  outlive_grace();
  return done();
}
