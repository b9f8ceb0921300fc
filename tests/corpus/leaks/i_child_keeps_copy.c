// A long-lived child forked while clients were connected holds copies of their sockets; the parent has closed
// its own.
#include <signal.h>

#include "corpus.h"

enum { kClients = 4 };

NAMED static pid_t start_helper(const int* clients) {
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < kClients; i++) close(clients[i]);
    listen_at(AF_INET);  // it has a service of its own
    outlive_grace();
    outlive_grace();
    exit(EXIT_SUCCESS);
  }
  return child;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  int clients[kClients], servers[kClients];
  for (int i = 0; i < kClients; i++) {
    clients[i] = dialled(listener);
    fcntl(clients[i], F_SETFD, FD_CLOEXEC);
    servers[i] = accept(listener, NULL, NULL);  // LEAK-OPEN
  }
  const pid_t helper = start_helper(clients);
  for (int i = 0; i < kClients; i++) close(clients[i]);
  for (int i = 0; i < kClients; i++) read_to_end(servers[i]);
  for (int i = 0; i < kClients; i++) close(servers[i]);
  wait_for(helper);
  return done();
}
