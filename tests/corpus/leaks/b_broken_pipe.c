// The client is gone while the answer is written: EPIPE or ECONNRESET, and the writer gives up without
// close().
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static bool send_part(int fd) {
  char part[1024] = {0};
  return send(fd, part, sizeof part, MSG_NOSIGNAL) > 0;  // LEAK-SEEN
}

NAMED static void stream(int fd, int parts) {
  for (int i = 0; i < parts; i++) {
    if (!send_part(fd)) return;
  }
  close(fd);
}

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int client = dialled(listener);
    const int fd = take_client(listener);
    if (i < kLeaks)
      reset(client);
    else
      close(client);
    if (i < kLeaks)
      stream(fd, 1000);
    else
      stream(fd, 1);
  }
  outlive_grace();
  return done();
}
