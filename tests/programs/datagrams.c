// Datagram sockets that look dead and are not, left open: an empty datagram makes recv() return 0, a
// closed port makes it fail with ECONNREFUSED.
#include <errno.h>

#include "loopback.h"

enum { kSockets = 4 };

NAMED static int connected_to(const struct sockaddr_in* address) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  require(fd >= 0 && connect(fd, (const struct sockaddr*)address, sizeof *address) == 0, "connect");
  return fd;
}

NAMED static void empty_datagram(void) {
  const int receiver = bound(SOCK_DGRAM);
  const struct sockaddr_in address = address_of(receiver);
  char byte;
  require(send(connected_to(&address), "", 0, 0) == 0, "send");
  require(recv(receiver, &byte, 1, 0) == 0, "an empty datagram");
}

NAMED static void refused_datagram(void) {
  const int receiver = bound(SOCK_DGRAM);
  const struct sockaddr_in address = address_of(receiver);
  close(receiver);
  const int fd = connected_to(&address);
  char byte;
  require(send(fd, "?", 1, 0) == 1, "send");
  require(recv(fd, &byte, 1, 0) == -1 && errno == ECONNREFUSED, "refused");
}

NAMED static void empty_unix_datagram(void) {
  int pair[2];
  char byte;
  require(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
  require(send(pair[0], "", 0, 0) == 0 && recv(pair[1], &byte, 1, 0) == 0, "an empty datagram");
}

int main(void) {
  for (int i = 0; i < kSockets; i++) {
    empty_datagram();
    refused_datagram();
    empty_unix_datagram();
  }
  return done();
}
