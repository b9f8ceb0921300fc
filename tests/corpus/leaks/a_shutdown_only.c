// shutdown() taken for close(): the connection ends, the descriptor stays.
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static void wait_for_goodbye(int fd) {
  char line[64];
  while (read(fd, line, sizeof line) > 0) continue;  // LEAK-SEEN
}

NAMED static int take_session(int listener) {
  return accept4(listener, NULL, NULL, SOCK_CLOEXEC);  // LEAK-OPEN
}

NAMED static void end_session(int fd, bool properly) {
  shutdown(fd, SHUT_RDWR);
  if (properly) close(fd);
}

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "bye");
    const int fd = take_session(listener);
    wait_for_goodbye(fd);
    end_session(fd, i >= kLeaks);
  }
  outlive_grace();
  return done();
}
