// No CLOEXEC: a helper program gets the connections and outlives what the parent has closed.
#include <spawn.h>

#include "corpus.h"

extern char** environ;

int main(void) {
  const int listener = listen_at(AF_INET);
  int clients[4], servers[4];
  for (int i = 0; i < 4; i++) {
    clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    dial(clients[i], listener);
    servers[i] = taken(listener);  // LEAK-OPEN
  }
  char seconds[16];
  snprintf(seconds, sizeof seconds, "%.1f", (double)(4 * grace_ms() + 600) / 1000);
  char* arguments[] = {(char*)"sleep", seconds, NULL};
  pid_t child;
  require(posix_spawnp(&child, "sleep", NULL, NULL, arguments, environ) == 0, "spawn");
  for (int i = 0; i < 4; i++) {
    close(servers[i]);
    close(clients[i]);
  }
  close(listener);
  wait_for(child);
  return done();
}
