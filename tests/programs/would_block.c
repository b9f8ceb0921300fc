// Connected sockets, left open, whose calls return what looks like an end and is none: EAGAIN,
// a time limit, and the 0 of a zero-length read.
#include <errno.h>
#include <sys/time.h>

#include "loopback.h"

enum { kConnections = 5 };

NAMED static void look_dead(int fd) {
  char byte;
  require(recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "EAGAIN");
  require(recv(fd, &byte, 0, MSG_DONTWAIT) <= 0, "a zero-length recv");
  require(read(fd, &byte, 0) == 0, "a zero-length read");
  require(write(fd, &byte, 0) == 0, "a zero-length write");
  const struct timeval short_time = {.tv_usec = 1000};
  require(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time) == 0, "SO_RCVTIMEO");
  require(recv(fd, &byte, 1, 0) == -1 && errno == EAGAIN, "a timeout");
}

int main(void) {
  const int listener = listen_any();
  for (int i = 0; i < kConnections; i++) {
    connect_to(listener);
    look_dead(accept_client(listener));
  }
  return done();
}
