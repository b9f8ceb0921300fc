// Grace 0: a program that ends at once, by each way a program ends.
#include <pthread.h>

#include "corpus.h"

NAMED static int take_client(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static void read_all(int fd) {
  char text[64];
  while (read(fd, text, sizeof text) > 0) continue;  // LEAK-SEEN
}

int main(int argc, char** argv) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < 3; i++) {
    visit(listener, "hello");
    read_all(take_client(listener));
  }
  done();
  fflush(stdout);
  if (has_argument(argc, argv, "_exit")) _exit(0);
  if (has_argument(argc, argv, "quick_exit")) quick_exit(0);
  if (has_argument(argc, argv, "pthread_exit")) pthread_exit(NULL);
  if (has_argument(argc, argv, "exec")) execl("/bin/true", "true", (char*)NULL);
  return 0;
}
