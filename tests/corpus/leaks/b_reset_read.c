// recv() fails with ECONNRESET and the error path returns without close().
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int take_upload(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static int receive_upload(int fd) {
  char data[64];
  while (true) {
    const ssize_t n = recv(fd, data, sizeof data, 0);  // LEAK-SEEN
    if (n < 0) return -errno;
    if (n == 0) break;
  }
  close(fd);
  return 0;
}

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int client = dialled(listener);
    const int fd = take_upload(listener);
    if (i < kLeaks)
      reset(client);
    else
      close(client);
    receive_upload(fd);
  }
  outlive_grace();
  return done();
}
