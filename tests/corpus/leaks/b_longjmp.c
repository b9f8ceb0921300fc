// longjmp out of the reader, past the close.
#include <setjmp.h>

#include "corpus.h"

static jmp_buf g_failed;

NAMED static void read_header(int fd, char* to) {
  for (size_t have = 0; have < 16;) {
    const ssize_t n = recv(fd, to + have, 16 - have, 0);  // LEAK-SEEN
    if (n <= 0) longjmp(g_failed, 1);
    have += (size_t)n;
  }
}

NAMED static int next_client(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

static void serve(int listener) {
  volatile int fd = -1;
  char header[16];
  if (setjmp(g_failed) != 0) return;
  fd = next_client(listener);
  read_header(fd, header);
  close(fd);
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < 9; i++) {
    visit(listener, i % 3 == 0 ? "short" : "0123456789abcdef");
    serve(listener);
  }
  outlive_grace();
  close(listener);
  return done();
}
