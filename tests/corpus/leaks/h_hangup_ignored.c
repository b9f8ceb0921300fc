// The loop handles EPOLLIN only; a hang-up told without it is skipped, and the member taken out to stop the
// spinning.
#include "corpus.h"

enum { kLeaks = 5 };

NAMED static void take_client(int epoll, int listener) {
  const int fd = accept(listener, NULL, NULL);  // LEAK-OPEN
  struct epoll_event event = {.events = EPOLLRDHUP, .data = {.fd = fd}};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

NAMED static int handle_events(int epoll) {
  struct epoll_event events[kLeaks];
  const int count = epoll_wait(epoll, events, kLeaks, 10000);
  for (int i = 0; i < count; i++) {
    if ((events[i].events & EPOLLIN) != 0)
      close(events[i].data.fd);
    else
      epoll_ctl(epoll, EPOLL_CTL_DEL, events[i].data.fd, NULL);
  }
  return count;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const int epoll = epoll_create1(0);
  for (int i = 0; i < kLeaks; i++) {
    visit(listener, "");
    take_client(epoll, listener);
  }
  for (int told = 0; told < kLeaks;) told += handle_events(epoll);
  outlive_grace();
  return done();
}
