// A super-server: the connection becomes standard input and output of a program that reads it to its end.
#include "corpus.h"

enum { kClients = 3 };

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kClients; i++) {
    const int client = dialled(listener);
    fcntl(client, F_SETFD, FD_CLOEXEC);
    const int fd = taken(listener);
    const pid_t child = fork();
    if (child == 0) {
      dup2(fd, 0);
      close(fd);
      execlp("sort", "sort", (char*)NULL);
      _exit(127);
    }
    close(fd);
    say(client, "b\na\n");
    shutdown(client, SHUT_WR);
    wait_for(child);
    close(client);
  }
  outlive_grace();
  return done();
}
