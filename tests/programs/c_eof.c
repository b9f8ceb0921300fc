// A server that reads end of stream and forgets to close: 23 leaks, 17 healthy. With "fixed" it
// closes them all.
#include "loopback.h"

enum { kLeaks = 23, kHealthy = 17 };

NAMED static bool read_request(int fd) {
  char line[64];
  const ssize_t n = recv(fd, line, sizeof line, 0);
  return n > 0;
}

NAMED static void finish_client(int fd) { require(close(fd) == 0, "close"); }

NAMED static void handle_client(int fd, bool close_it) {
  while (read_request(fd)) continue;
  if (close_it) finish_client(fd);
}

NAMED static void serve_one(int listener, bool close_it) {
  const int client = connect_to(listener);
  say(client, "hello\n");
  close(client);
  handle_client(accept_client(listener), close_it);
}

int main(int argc, char** argv) {
  const bool fixed = has_argument(argc, argv, "fixed");
  const int listener = listen_any();
  for (int i = 0; i < kLeaks + kHealthy; i++) serve_one(listener, fixed || i >= kLeaks);
  close(listener);
  return done();
}
