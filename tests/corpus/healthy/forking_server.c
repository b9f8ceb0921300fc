// The classic forking server, done right: the parent closes its copy, the child serves for many graces.
#include "corpus.h"

enum { kClients = 3 };

int main(void) {
  const int listener = listen_at(AF_INET);
  pid_t children[kClients];
  int clients[kClients];
  for (int i = 0; i < kClients; i++) {
    clients[i] = dialled(listener);
    fcntl(clients[i], F_SETFD, FD_CLOEXEC);
    const int fd = taken(listener);
    children[i] = fork();
    if (children[i] == 0) {
      close(listener);
      for (int k = 0; k <= i; k++) close(clients[k]);
      expect(fd, "work");
      outlive_grace();
      say(fd, "done");
      read_to_end(fd);
      close(fd);
      exit(EXIT_SUCCESS);
    }
    close(fd);
  }
  for (int i = 0; i < kClients; i++) {
    say(clients[i], "work");
    expect(clients[i], "done");
    close(clients[i]);
    wait_for(children[i]);
  }
  outlive_grace();
  return done();
}
