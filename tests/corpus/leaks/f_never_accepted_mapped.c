// A listener for both families; nobody accepts, and clients of IPv4 give up.
#include "corpus.h"

NAMED static int open_port(void) {
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);  // LEAK-OPEN
  const int off = 0;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  struct sockaddr_in6 any = {.sin6_family = AF_INET6};
  require(bind(fd, (const struct sockaddr*)&any, sizeof any) == 0 && listen(fd, 64) == 0, "listen");
  return fd;
}

int main(void) {
  const int listener = open_port();
  const Address here = address_of(listener);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = ((const struct sockaddr_in6*)&here.name)->sin6_port};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 5; i++) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    require(connect(fd, (const struct sockaddr*)&to, sizeof to) == 0, "connect");
    say(fd, "hello");
    if (i == 0) close(accept(listener, NULL, NULL));
    close(fd);
  }
  outlive_grace();
  outlive_grace();
  close(listener);
  return done();
}
