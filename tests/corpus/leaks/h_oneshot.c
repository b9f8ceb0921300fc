// EPOLLONESHOT that is not armed again: the second request and the end are never told.
#include "corpus.h"

NAMED static int take_client(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK);  // LEAK-OPEN
}

int main(void) {
  const int listener = listen_at(AF_INET), loop = epoll_create1(0);
  int clients[4];
  for (int i = 0; i < 4; i++) {
    clients[i] = dialled(listener);
    const int fd = take_client(listener);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.fd = fd};
    require(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    say(clients[i], "first");
    struct epoll_event told;
    require(epoll_wait(loop, &told, 1, 20000) == 1, "epoll_wait");
    char text[16];
    require(read(told.data.fd, text, sizeof text) == 5, "read");
    say(told.data.fd, "ok");
    expect(clients[i], "ok");
  }
  for (int i = 0; i < 4; i++) close(clients[i]);
  struct epoll_event told;
  require(epoll_wait(loop, &told, 1, (int)(3 * grace_ms() + 300)) == 0, "silence");
  close(listener);
  close(loop);
  return done();
}
