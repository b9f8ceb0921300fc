// The parent listens and forks a worker that leaks 5 of its 8 clients. The parent is the client side
// and healthy. With "_exit" the worker leaves through _exit(), with "fixed" it leaks nothing.
#include <sys/wait.h>

#include "loopback.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static void worker_serves(int listener, bool close_it) {
  const int fd = accept_client(listener);
  read_to_end(fd);
  if (close_it) close(fd);
}

static void be_worker(int listener, bool fixed) {
  for (int i = 0; i < kLeaks + kHealthy; i++) worker_serves(listener, fixed || i >= kLeaks);
}

int main(int argc, char** argv) {
  const int listener = listen_any();
  const pid_t worker = fork();
  require(worker >= 0, "fork");
  if (worker == 0) {
    be_worker(listener, has_argument(argc, argv, "fixed"));
    if (has_argument(argc, argv, "_exit")) _exit(0);
    exit(0);
  }
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int client = connect_to(listener);
    say(client, "work\n");
    close(client);
  }
  int status = 0;
  require(waitpid(worker, &status, 0) == worker && status == 0, "worker");
  close(listener);
  return done();
}
