// Closes as libuv does, through syscall(): 6 healthy, 2 leaks beside them.
#include <sys/syscall.h>

#include "loopback.h"

enum { kHealthy = 6, kLeaks = 2 };

NAMED static void serve_one(int listener, bool close_it) {
  const int client = connect_to(listener);
  const int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  require(server >= 0, "accept4");
  close(client);
  char byte;
  require(read(server, &byte, 1) == 0, "read");
  if (close_it) require(syscall(SYS_close, server) == 0, "SYS_close");
}

int main(void) {
  const int listener = listen_any();
  for (int i = 0; i < kHealthy + kLeaks; i++) serve_one(listener, i < kHealthy);
  close(listener);
  return done();
}
