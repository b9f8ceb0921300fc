// What a browser does to confine its workers: a process by a raw clone into a user and a PID namespace, under
// the /proc of the world outside, which looks whether it has one thread before it goes on; from it, by
// another raw clone, a worker that installs a filter first of all and works under it.
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "filters.h"
#include "loopback.h"

static void tell(const char* what, long answer) {
  char line[64];
  const int size = snprintf(line, sizeof line, "%s: %ld\n", what, answer);
  require(write(STDOUT_FILENO, line, (size_t)size) == size, "write");
}

static pid_t raw_fork(unsigned long flags) { return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }

static int status_of(pid_t child) {
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// The directory has a link for each thread, and two of its own.
static long threads(void) {
  struct stat facts;
  require(stat("/proc/self/task", &facts) == 0, "/proc/self/task");
  return (long)facts.st_nlink - 2;
}

NAMED static int leak(void) {
  int pair[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  close(pair[1]);
  char byte;
  return (int)recv(pair[0], &byte, 1, 0);
}

static void work(void) {
  tell("filter", install_named("options", 0));
  tell("end of stream", leak());
  tell("end of stream", leak());
  _exit(7);
}

static void confined(void) {
  tell("number", getpid());
  tell("end of stream", leak());
  tell("threads", threads());
  const pid_t worker = raw_fork(0);
  if (worker == 0) work();
  const int status = status_of(worker);
  tell("worker", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  tell("threads", threads());
  _exit(0);
}

int main(void) {
  tell("end of stream", leak());
  const pid_t zygote = raw_fork(CLONE_NEWUSER | CLONE_NEWPID);
  if (zygote == 0) confined();
  if (zygote < 0) {
    tell("namespaces refused", errno);
    return 77;
  }
  const int status = status_of(zygote);
  tell("zygote", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return done();
}
