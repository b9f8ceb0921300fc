// The program executes itself: sockets with CLOEXEC are gone, in the same process, without any close.
#include "corpus.h"

enum { kSockets = 5 };

int main(int argc, char** argv) {
  if (has_argument(argc, argv, "second")) {
    const int listener = listen_at(AF_INET);
    visit(listener, "again");
    const int fd = taken(listener);
    read_to_end(fd);
    close(fd);
    outlive_grace();
    return done();
  }
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kSockets; i++) {
    visit(listener, "hello");
    read_to_end(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
  }
  execl("/proc/self/exe", argv[0], "second", (char*)NULL);
  return EXIT_FAILURE;
}
