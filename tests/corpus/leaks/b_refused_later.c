// Non-blocking connect: poll says done, SO_ERROR says refused, and the function returns false.
#include "corpus.h"

enum { kLeaks = 6 };

NAMED static bool finish_connect(int fd) {
  struct pollfd one = {fd, POLLOUT, 0};
  require(poll(&one, 1, 10000) == 1, "poll");
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);  // LEAK-SEEN
  return error == 0;
}

NAMED static bool connect_within(const Address* address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);                      // LEAK-OPEN
  const int now = connect(fd, (const struct sockaddr*)&address->name, address->size);  // LEAK-SEEN
  if (now != 0 && errno != EINPROGRESS) return false;
  if (!finish_connect(fd)) return false;
  close(fd);
  return true;
}

int main(void) {
  const Address nobody = dead_address();
  for (int i = 0; i < kLeaks; i++) require(!connect_within(&nobody), "refused");
  const int listener = listen_at(AF_INET);
  const Address somebody = address_of(listener);
  require(connect_within(&somebody), "connected");
  close(taken(listener));
  outlive_grace();
  return done();
}
