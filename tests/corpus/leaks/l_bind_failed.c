// Looks for a free port: bind fails, next one, and the socket of the last try is lost.
#include "corpus.h"

NAMED static int try_port(const Address* address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);  // LEAK-OPEN
  if (bind(fd, (const struct sockaddr*)&address->name, address->size) != 0) return -1;
  return fd;
}

int main(void) {
  const int taken_port = listen_at(AF_INET);
  const Address address = address_of(taken_port);
  for (int i = 0; i < 7; i++) require(try_port(&address) < 0, "bind");
  outlive_grace();
  close(taken_port);
  return done();
}
