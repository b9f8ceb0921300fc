// dup2() onto a socket closes it: 4 replaced by a file, 3 by a connected socket, healthy. dup2() of a
// descriptor onto itself closes nothing: 5 leaks.
#include <fcntl.h>

#include "loopback.h"

enum { kByFile = 4, kBySocket = 3, kBySelf = 5 };

NAMED static int ended(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
  return server;
}

NAMED static void replace(int with, int fd) { require(dup2(with, fd) == fd, "dup2"); }

int main(void) {
  const int listener = listen_any();
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  connect_to(listener);
  const int connected = accept_client(listener);
  for (int i = 0; i < kByFile; i++) replace(file, ended(listener));
  for (int i = 0; i < kBySocket; i++) {
    const int fd = ended(listener);
    require(dup3(connected, fd, O_CLOEXEC) == fd, "dup3");
  }
  for (int i = 0; i < kBySelf; i++) {
    const int fd = ended(listener);
    replace(fd, fd);
  }
  return done();
}
