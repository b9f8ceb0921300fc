// Sockets with several descriptors, all of them closed, in both orders: healthy.
#include <fcntl.h>

#include "loopback.h"

enum { kConnections = 6 };

int main(void) {
  const int listener = listen_any();
  for (int i = 0; i < kConnections; i++) {
    const int client = connect_to(listener);
    const int server = accept_client(listener);
    const int copy = i % 2 == 0 ? dup(server) : fcntl(server, F_DUPFD_CLOEXEC, 100);
    require(copy >= 0, "dup");
    close(client);
    read_to_end(server);
    close(i < kConnections / 2 ? server : copy);
    close(i < kConnections / 2 ? copy : server);
  }
  close(listener);
  return done();
}
