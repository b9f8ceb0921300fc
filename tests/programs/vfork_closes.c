// A vfork child shares our memory but closes descriptors of its own: what it closes stays open here.
// 5 leaks from before the child stay leaks, 3 healthy sockets from before are closed after it.
#include <sys/wait.h>

#include "loopback.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int ended(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
  return server;
}

NAMED static void run_child(int first, int last) {
  const pid_t child = vfork();
  require(child >= 0, "vfork");
  if (child == 0) {
    for (int fd = first; fd <= last; fd++) close(fd);
    close_range(3, ~0U, 0);
    execl("/bin/true", "true", (char*)NULL);
    _exit(127);
  }
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "the child");
}

int main(void) {
  const int listener = listen_any();
  int fds[kLeaks + kHealthy];
  for (int i = 0; i < kLeaks + kHealthy; i++) fds[i] = ended(listener);
  run_child(fds[0], fds[kLeaks + kHealthy - 1]);
  for (int i = kLeaks; i < kLeaks + kHealthy; i++) close(fds[i]);
  close(listener);
  return done();
}
