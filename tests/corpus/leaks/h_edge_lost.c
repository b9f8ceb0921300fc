// Edge-triggered, but read only once per event: what is left, and the end behind it, is never told again.
#include "corpus.h"

enum { kLeaks = 4 };

NAMED static void take_client(int epoll, int listener) {
  const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);  // LEAK-OPEN
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.fd = fd}};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

NAMED static void on_readable(int fd) {
  char data[4];
  require(recv(fd, data, sizeof data, 0) == sizeof data, "recv");
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const int epoll = epoll_create1(0);
  for (int i = 0; i < kLeaks; i++) {
    visit(listener, "longer than four bytes");
    take_client(epoll, listener);
  }
  for (int told = 0; told < kLeaks;) {
    struct epoll_event events[kLeaks];
    const int count = epoll_wait(epoll, events, kLeaks, 10000);
    for (int i = 0; i < count; i++) on_readable(events[i].data.fd);
    told += count;
  }
  outlive_grace();
  return done();
}
