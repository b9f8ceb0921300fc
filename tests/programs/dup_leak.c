// The original descriptor is closed, its duplicate is forgotten: 3 leaked sockets with "dup", "dup2",
// "dup3" or "fcntl", and 2 healthy ones of which both are closed.
#include <fcntl.h>

#include "loopback.h"

enum { kLeaks = 3, kHealthy = 2, kFarAway = 200 };

NAMED static int duplicate(int fd, const char* how) {
  int copy = -1;
  if (strcmp(how, "dup") == 0) copy = dup(fd);
  if (strcmp(how, "dup2") == 0) copy = dup2(fd, fd + kFarAway);
  if (strcmp(how, "dup3") == 0) copy = dup3(fd, fd + kFarAway, O_CLOEXEC);
  if (strcmp(how, "fcntl") == 0) copy = fcntl(fd, F_DUPFD_CLOEXEC, kFarAway);
  require(copy >= 0, how);
  return copy;
}

int main(int argc, char** argv) {
  require(argc == 2, "usage: dup_leak dup|dup2|dup3|fcntl");
  const int listener = listen_any();
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int client = connect_to(listener);
    const int server = accept_client(listener);
    const int copy = duplicate(server, argv[1]);
    close(client);
    read_to_end(copy);
    // Keeps the number of a leak in use, so that each socket has numbers of its own.
    if (i < kLeaks) require(dup2(listener, server) == server, "dup2");
    if (i >= kLeaks) {
      close(server);
      close(copy);
    }
  }
  return done();
}
