// Connections nobody looks at any more: 9 whose peer has closed, never read (fin_unread). 4 healthy
// ones are read to the end and closed, 3 idle ones stay connected. With "data" the 9 peers leave a
// request behind (data_unread).
#include <poll.h>

#include "loopback.h"

enum { kUnread = 9, kHealthy = 4, kIdle = 3 };

// Waits for the FIN without reading it.
NAMED static void peer_has_closed(int fd) {
  struct pollfd end = {.fd = fd, .events = POLLRDHUP};
  require(poll(&end, 1, -1) == 1 && (end.revents & POLLRDHUP) != 0, "POLLRDHUP");
}

int main(int argc, char** argv) {
  const bool data = has_argument(argc, argv, "data");
  const int listener = listen_any();
  for (int i = 0; i < kUnread; i++) {
    const int client = connect_to(listener);
    const int server = accept_client(listener);
    if (data) say(client, "request\n");
    close(client);
    peer_has_closed(server);
  }
  for (int i = 0; i < kHealthy; i++) {
    const int client = connect_to(listener);
    const int server = accept_client(listener);
    close(client);
    read_to_end(server);
    close(server);
  }
  for (int i = 0; i < kIdle; i++) {
    connect_to(listener);
    accept_client(listener);
  }
  return done();
}
