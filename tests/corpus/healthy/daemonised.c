// The parent of a daemon ends with the sockets its child goes on using; the child serves and closes.
#include "corpus.h"

int main(void) {
  const int listener = listen_at(AF_INET);
  const int client = dialled(listener), server = taken(listener);
  int told[2];
  require(pipe(told) == 0, "pipe");
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    outlive_grace();
    say(server, "from the daemon");
    expect(client, "from the daemon");
    close(client);
    read_to_end(server);
    close(server);
    require(write(told[1], "x", 1) == 1, "told");
    exit(EXIT_SUCCESS);
  }
  close(client);
  close(server);
  wait_for(child);
  outlive_grace();
  return done();
}
