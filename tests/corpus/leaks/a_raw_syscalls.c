// Everything by syscall(): accept4, recvfrom, read.
#include <sys/syscall.h>

#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int take_client(int listener) {
  return (int)syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC);  // LEAK-OPEN
}

NAMED static long read_some(int fd) {
  char data[16];
  return syscall(SYS_recvfrom, fd, data, sizeof data, 0, NULL, NULL);  // LEAK-SEEN
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "hello");
    const int fd = take_client(listener);
    while (read_some(fd) > 0) continue;
    if (i >= kLeaks) syscall(SYS_close, fd);
  }
  outlive_grace();
  return done();
}
