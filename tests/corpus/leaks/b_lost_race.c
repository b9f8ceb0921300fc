// Two connects race; both come about, one wins, the other is forgotten until its server gives up.
#include "corpus.h"

NAMED static int start(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  no_block(fd);
  const Address address = address_of(listener);
  const int result = connect(fd, (const struct sockaddr*)&address.name, address.size);
  require(result == 0 || errno == EINPROGRESS, "connect");
  return fd;
}

static int race(int a, int b) {
  struct pollfd two[] = {{start(a), POLLOUT, 0}, {start(b), POLLOUT, 0}};
  require(poll(two, 2, 20000) > 0, "poll");
  int error = 0;
  socklen_t size = sizeof error;
  const int winner = (two[0].revents & POLLOUT) != 0 ? two[0].fd : two[1].fd;
  require(getsockopt(winner, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0, "SO_ERROR");
  return winner;
}

int main(void) {
  const int a = listen_at(AF_INET6), b = listen_at(AF_INET);
  for (int i = 0; i < 5; i++) {
    const int winner = race(a, b);
    close(taken(a));
    close(taken(b));
    wait_for_end(winner);
    close(winner);
  }
  outlive_grace();
  close(a);
  close(b);
  return done();
}
