// An edge-triggered server reads until there is nothing left, and breaks its loop on 0 as on EAGAIN.
#include "corpus.h"

enum { kLeaks = 6, kHealthy = 4 };

NAMED static int take_client(int epoll, int listener) {
  const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);  // LEAK-OPEN
  struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data = {.fd = fd}};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  return fd;
}

NAMED static bool drain(int fd) {
  char data[32];
  while (true) {
    const ssize_t n = read(fd, data, sizeof data);  // LEAK-SEEN
    if (n <= 0) return n == 0;
    if (data[0] == 'q') close(fd);
    if (data[0] == 'q') return true;
  }
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, i < kLeaks ? "more than one read takes from the socket at a time" : "quit");
    take_client(epoll, listener);
  }
  int ended = 0;
  while (ended < kLeaks + kHealthy) {
    struct epoll_event events[8];
    const int count = epoll_wait(epoll, events, 8, 10000);
    require(count > 0, "epoll_wait");
    for (int i = 0; i < count; i++) ended += drain(events[i].data.fd);
  }
  outlive_grace();
  return done();
}
