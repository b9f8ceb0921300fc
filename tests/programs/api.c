// A program that speaks to socktrack. It says what it was answered, one line each:
//   active N, pool N, pool of none N, ignore N, leaks N (after 2 leaks, 1 of them ignored), leaks N (all
//   closed)
#include <errno.h>
#include <socktrack/socktrack.h>

#include "loopback.h"

NAMED static int leak_one(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  char byte;
  require(recv(server, &byte, 1, 0) == 0, "end of stream");
  return server;
}

int main(int argc, char** argv) {
  const int listener = listen_any();
  printf("active %d\n", socktrack_active());
  const int leaked = leak_one(listener), kept = leak_one(listener);
  errno = 4711;
  printf("pool %d\n", socktrack_pool(leaked, "replies"));
  printf("pool of none %d\n", socktrack_pool(999, "replies"));
  printf("ignore %d\n", socktrack_ignore(kept));
  printf("leaks %lu\n",
         socktrack_leaks_now(has_argument(argc, argv, "report") ? SOCKTRACK_REPORT : SOCKTRACK_QUIET));
  require(errno == 4711, "errno is kept");
  fflush(stdout);
  if (has_argument(argc, argv, "leak")) return 0;
  close(leaked);
  printf("leaks %lu\n", socktrack_leaks_now(SOCKTRACK_QUIET));
  return 0;
}
