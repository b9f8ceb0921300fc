// A UNIX stream by name in the file system, between two threads that each hold one end.
#include <pthread.h>

#include "corpus.h"

enum { kLeaks = 4 };
static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "control.sock"};

NAMED static int take_command(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static void read_command(int fd) {
  char command[64];
  while (recv(fd, command, sizeof command, 0) > 0) continue;  // LEAK-SEEN
}

static void* give_commands(void* unused) {
  for (int i = 0; i < kLeaks; i++) {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    require(connect(fd, (struct sockaddr*)&name, sizeof name) == 0, "connect");
    say(fd, "status");
    close(fd);
  }
  return unused;
}

int main(void) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  require(bind(listener, (struct sockaddr*)&name, sizeof name) == 0 && listen(listener, 8) == 0, "bind");
  pthread_t thread;
  pthread_create(&thread, NULL, give_commands, NULL);
  for (int i = 0; i < kLeaks; i++) read_command(take_command(listener));
  pthread_join(thread, NULL);
  outlive_grace();
  return done();
}
