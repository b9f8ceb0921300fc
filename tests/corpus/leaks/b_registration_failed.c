// Registration with epoll fails, the function returns, and the accepted socket is watched by nobody
// (hazelcast).
#include "corpus.h"

enum { kLeaks = 4 };

NAMED static bool register_client(int epoll, int listener) {
  const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0;  // not a member yet: ENOENT
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const int epoll = epoll_create1(0);
  for (int i = 0; i < kLeaks; i++) {
    visit(listener, "");
    require(!register_client(epoll, listener), "registration");
  }
  outlive_grace();
  return done();
}
