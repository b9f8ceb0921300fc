// Forks by the raw system call the moment after it got its first socket, and gives up its user in the child,
// as vsftpd does; many times.
#include <grp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loopback.h"

enum { kRounds = 60 };

static int status_of(pid_t child) {
  int status = -1;
  require(waitpid(child, &status, 0) == child, "waitpid");
  return status;
}

int main(void) {
  for (int i = 0; i < kRounds; i++) {
    const pid_t round = fork();
    if (round == 0) {
      require(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
      const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
      if (child == 0) {
        alarm(10);
        const gid_t group = getgid();
        _exit(setgroups(1, &group) + setgid(group) + setuid(getuid()));
      }
      _exit(status_of(child) == 0 ? 0 : 1);
    }
    if (status_of(round) != 0) return 1;
  }
  return done();
}
