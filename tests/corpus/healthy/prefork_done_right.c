// Preforked workers with keep-alive clients; the parent ends them by SIGTERM while connections are open.
#include <signal.h>

#include "corpus.h"

static void worker(int listener) {
  struct pollfd all[64] = {{listener, POLLIN, 0}};
  int count = 1;
  for (;;) {
    if (poll(all, (nfds_t)count, -1) < 0) _exit(1);
    for (int i = count - 1; i > 0; i--) {
      char text[64];
      if (all[i].revents == 0) continue;
      const ssize_t n = read(all[i].fd, text, sizeof text);
      if (n > 0) {
        if (write(all[i].fd, text, (size_t)n) < 0) _exit(1);
        continue;
      }
      close(all[i].fd);
      all[i] = all[--count];
    }
    if ((all[0].revents & POLLIN) == 0) continue;
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd >= 0) all[count++] = (struct pollfd){fd, POLLIN, 0};
  }
}

int main(void) {
  const int listener = listen_at(AF_INET6);
  require(fcntl(listener, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
  pid_t workers[3];
  for (int i = 0; i < 3; i++) {
    workers[i] = fork();
    if (workers[i] == 0) worker(listener);
  }
  int clients[20];
  for (int i = 0; i < 20; i++) {
    clients[i] = dialled(listener);
    say(clients[i], "hello");
    expect(clients[i], "hello");
    if (i % 2 == 0) close(clients[i]);
  }
  outlive_grace();
  for (int i = 0; i < 3; i++) {
    kill(workers[i], SIGTERM);
    waitpid(workers[i], NULL, 0);
  }
  for (int i = 1; i < 20; i += 2) close(clients[i]);
  close(listener);
  return done();
}
