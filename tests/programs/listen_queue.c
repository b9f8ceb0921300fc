// Six peers connect, speak and give up before the program accepts. "late" accepts and closes them in the end.
#include <poll.h>

#include "loopback.h"

enum { kPeers = 6 };

NAMED static int open_listener(void) { return listen_any(); }

// Until the last of them has arrived in the queue.
static void wait_for_queue(int listener) {
  struct pollfd queue = {listener, POLLIN, 0};
  require(poll(&queue, 1, 10000) == 1, "poll");
}

int main(int argc, char** argv) {
  const int listener = open_listener();
  for (int i = 0; i < kPeers; i++) {
    const int client = connect_to(listener);
    say(client, "hello\n");
    close(client);
  }
  wait_for_queue(listener);
  if (has_argument(argc, argv, "late")) {
    for (int i = 0; i < kPeers; i++) {
      const int server = accept_client(listener);
      read_to_end(server);
      close(server);
    }
    close(listener);
  }
  return done();
}
