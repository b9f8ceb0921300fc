// An edge-triggered server, done right: hundreds of short connections.
#include "corpus.h"

enum { kClients = 200 };

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  no_block(listener);
  const int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.fd = listener}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  int ended = 0, started = 0;
  while (ended < kClients) {
    if (started < kClients) visit(listener, "hello");
    started++;
    struct epoll_event events[16];
    const int count = epoll_wait(epoll, events, 16, started < kClients ? 0 : 5000);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          event = (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.fd = fd}};
          epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
        continue;
      }
      char data[2];
      ssize_t n;
      while ((n = recv(fd, data, sizeof data, 0)) > 0) continue;
      if (n == 0) ended++;
      if (n == 0) close(fd);
    }
  }
  outlive_grace();
  return done();
}
