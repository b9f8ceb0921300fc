// A retry loop: connect() is refused and the socket of the failed attempt is dropped.
#include "corpus.h"

enum { kLeaks = 6 };

NAMED static int try_connect(const Address* address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);                                          // LEAK-OPEN
  if (connect(fd, (const struct sockaddr*)&address->name, address->size) != 0) return -1;  // LEAK-SEEN
  return fd;
}

int main(void) {
  const Address nobody = dead_address();
  for (int i = 0; i < kLeaks; i++) require(try_connect(&nobody) < 0, "refused");
  const int listener = listen_at(AF_INET);
  const Address somebody = address_of(listener);
  const int fd = try_connect(&somebody);
  close(taken(listener));
  close(fd);
  outlive_grace();
  return done();
}
