// Refused, then connected on the same socket; a happy-eyeballs attempt whose loser is closed; spares and
// reservations.
#include "corpus.h"

int main(void) {
  const Address nobody = dead_address();
  const int listener = listen_at(AF_INET);
  const int fd = new_socket_for(listener);
  require(connect(fd, (const struct sockaddr*)&nobody.name, nobody.size) != 0, "refused");
  dial(fd, listener);
  const int server = taken(listener);
  const int loser = socket(AF_INET6, SOCK_STREAM, 0);
  Address six = any_address(AF_INET6);
  ((struct sockaddr_in6*)&six.name)->sin6_port = ((const struct sockaddr_in*)&nobody.name)->sin_port;
  require(connect(loser, (const struct sockaddr*)&six.name, six.size) != 0, "refused");
  close(loser);
  const int spare = socket(AF_INET, SOCK_STREAM, 0);
  const int reserved = socket(AF_INET, SOCK_STREAM, 0);
  const Address any = any_address(AF_INET);
  require(bind(reserved, (const struct sockaddr*)&any.name, any.size) == 0, "bind");
  outlive_grace();
  say(fd, "hello");
  expect(server, "hello");
  close(spare);
  return done();
}
