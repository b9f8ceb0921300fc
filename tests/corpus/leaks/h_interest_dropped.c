// Back-pressure: reading is paused by dropping EPOLLIN, and nothing asks for EPOLLRDHUP.
#include "corpus.h"

enum { kLeaks = 4, kHealthy = 2 };

NAMED static int take_client(int epoll, int listener) {
  const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
  struct epoll_event event = {.events = 0, .data = {.fd = fd}};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  return fd;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const int epoll = epoll_create1(0);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "");
    const int fd = take_client(epoll, listener);
    if (i >= kLeaks) close(fd);
  }
  struct epoll_event event;
  require(epoll_wait(epoll, &event, 1, 0) == 0, "silence");
  outlive_grace();
  return done();
}
