// Sockets inside libc: getaddrinfo, syslog, gethostbyname. They come and go, or stay connected, unseen.
#include <netdb.h>
#include <syslog.h>

#include "corpus.h"

int main(void) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo* found = NULL;
  for (int i = 0; i < 3; i++) {
    if (getaddrinfo("localhost", "80", &hints, &found) == 0) freeaddrinfo(found);
    syslog(LOG_DEBUG, "nothing to see here");
  }
  const int listener = listen_at(AF_INET);
  visit(listener, "hello");
  const int fd = taken(listener);
  read_to_end(fd);
  close(fd);
  outlive_grace();
  return done();
}
