// Ends as told: "N" exits with status N, "-N" is killed by signal N. With a second argument it leaks one
// socket before.
#include <signal.h>

#include "loopback.h"

static void leak(void) {
  const int listener = listen_any();
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
}

int main(int argc, char** argv) {
  require(argc > 1, "usage: exit_with STATUS [leak]");
  if (argc > 2) leak();
  const int how = atoi(argv[1]);
  if (how >= 0) return how;
  raise(-how);
  return EXIT_FAILURE;
}
