// Legal half-close: the peer says that it has no more to send, we read that and go on answering, at a
// pace of 20 ms for well over a second, then close. Run it with a grace of 200 ms.
#include <time.h>

#include "loopback.h"

enum { kConnections = 3, kAnswers = 60 };

NAMED static void stream_answers(const int* clients, const int* servers) {
  const struct timespec pace = {.tv_nsec = 20000000};
  for (int i = 0; i < kAnswers; i++) {
    for (int k = 0; k < kConnections; k++) {
      say(servers[k], "tick\n");
      expect(clients[k], "tick\n");
    }
    nanosleep(&pace, NULL);
  }
}

int main(void) {
  const int listener = listen_any();
  int clients[kConnections];
  int servers[kConnections];
  for (int k = 0; k < kConnections; k++) {
    clients[k] = connect_to(listener);
    servers[k] = accept_client(listener);
    require(shutdown(clients[k], SHUT_WR) == 0, "shutdown");
    read_to_end(servers[k]);
  }
  stream_answers(clients, servers);
  for (int k = 0; k < kConnections; k++) {
    close(servers[k]);
    read_to_end(clients[k]);
    close(clients[k]);
  }
  close(listener);
  return done();
}
