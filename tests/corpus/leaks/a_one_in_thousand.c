// 2 000 connections through an epoll loop; two of them meet the path that forgets.
#include "corpus.h"

NAMED static int take_client(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK);  // LEAK-OPEN
}

// False: over.
NAMED static bool serve(int fd, bool* rare) {
  char request[64];
  for (;;) {
    const ssize_t n = read(fd, request, sizeof request);  // LEAK-SEEN
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    if (memchr(request, '!', (size_t)n) != NULL) *rare = true;
  }
}

int main(void) {
  const int listener = listen_at(AF_INET), loop = epoll_create1(0);
  int open_now = 0;
  for (int batch = 0; batch < 20; batch++) {
    for (int i = 0; i < 100; i++) {
      visit(listener, (batch == 3 || batch == 17) && i == 50 ? "order!" : "order");
      const int fd = take_client(listener);
      struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
      require(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
      open_now++;
    }
    while (open_now > 0) {
      struct epoll_event events[32];
      const int count = epoll_wait(loop, events, 32, 20000);
      for (int i = 0; i < count; i++) {
        bool rare = false;
        const int fd = events[i].data.fd;
        if (serve(fd, &rare)) continue;
        if (rare) {
          epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
        } else {
          close(fd);
        }
        open_now--;
      }
    }
  }
  outlive_grace();
  close(listener);
  close(loop);
  return done();
}
