// Leaks 3 sockets, takes the steps named on its command line, says what each answered, leaks 2 more and
// closes 5 as it should. After a filter "strict" it makes no call that is not on that filter's list.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "filters.h"
#include "loopback.h"

static int sockets[3];

static void tell(const char* what, long answer) {
  char line[160];
  const int error = answer < 0 ? errno : 0;
  const int size = snprintf(line, sizeof line, "%s = %ld, errno %d\n", what, answer, error);
  require(write(STDOUT_FILENO, line, (size_t)size) == size, "write");
}

NAMED static int leak(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
  return server;
}

static void healthy(int listener) {
  const int server = leak(listener);
  require(close(server) == 0, "close");
}

static void close_each(void) {
  struct rlimit limit;
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  const int end = limit.rlim_cur > 4096 ? 4096 : (int)limit.rlim_cur;
  int closed = 0;
  for (int fd = 3; fd < end; fd++) closed += close(fd) == 0;
  tell("for each close", closed);
}

// As daemons do: the child of a child is left, the others are gone.
static void fork_twice(void) {
  for (int i = 0; i < 2; i++) {
    const pid_t child = fork();
    require(child >= 0, "fork");
    if (child > 0) _exit(0);
    if (i == 0) tell("setsid", setsid() > 0 ? 0 : -1);
  }
}

static void become_nobody(void) {
  const gid_t group = 65534;
  tell("setgroups", setgroups(1, &group));
  tell("setgid", setgid(group));
  tell("setuid", setuid(65534));
}

static void enter_own_mounts(void) {
  const int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  tell("open ns/mnt", fd);
  tell("setns", setns(fd, CLONE_NEWNS));
  close(fd);
}

// A table that anybody else keeps would keep the socket, and the peer would wait for its end.
static void split_table(int by_unshare) {
  const int listener = listen_any();
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  if (by_unshare) {
    tell("unshare", unshare(CLONE_FILES));
    close(server);
  } else {
    tell("close_range", close_range((unsigned)server, (unsigned)server, CLOSE_RANGE_UNSHARE));
  }
  struct pollfd peer = {client, POLLIN, 0};
  tell("the peer is told", poll(&peer, 1, 3000));
  close(client);
  close(listener);
}

static int names(const char* step, const char* wanted) { return strcmp(step, wanted) == 0; }

static void take(const char* step) {
  if (names(step, "loop")) close_each();
  if (names(step, "close_range")) tell(step, close_range(3, ~0U, 0));
  if (names(step, "cloexec")) tell(step, close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
  if (names(step, "own_table")) tell(step, close_range(3, ~0U, CLOSE_RANGE_UNSHARE));
  if (names(step, "split")) split_table(0);
  if (names(step, "unshare_files")) split_table(1);
  if (names(step, "closefrom")) closefrom(3);
  if (names(step, "daemon")) tell(step, daemon(1, 1));
  if (names(step, "forks")) fork_twice();
  if (names(step, "clearenv")) tell(step, clearenv());
  if (names(step, "nobody")) become_nobody();
  if (names(step, "chroot")) tell(step, chroot("/proc/self/fdinfo") + chdir("/"));
  if (names(step, "newnet")) tell(step, unshare(CLONE_NEWNET));
  if (names(step, "newns")) tell(step, unshare(CLONE_NEWNS));
  if (names(step, "newuser")) tell(step, unshare(CLONE_NEWUSER));
  if (names(step, "newuser_raw")) tell(step, syscall(SYS_unshare, CLONE_NEWUSER));
  if (names(step, "newpid")) tell(step, unshare(CLONE_NEWPID));
  if (names(step, "setns")) enter_own_mounts();
  if (names(step, "docker") || names(step, "service") || names(step, "strict") || names(step, "options"))
    tell(step, install_named(step, 0));
  if (names(step, "strict_tsync")) tell(step, install_named("strict", 1));
  if (names(step, "asked")) {  // whether the kernel has filters, as libseccomp asks
    tell(step, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0));
    tell(step, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (void*)8));
  }
}

int main(int argc, char** argv) {
  int listener = listen_any();
  for (int i = 0; i < 3; i++) sockets[i] = leak(listener);
  for (int i = 1; i < argc; i++) take(argv[i]);
  if (has_argument(argc, argv, "newnet")) return done();
  listener = listen_any();
  tell("listener", listener);
  for (int i = 0; i < 5; i++) healthy(listener);
  tell("leak", leak(listener));
  tell("leak", leak(listener));
  tell("end", 0);
  _exit(0);
}
