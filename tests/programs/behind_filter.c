// behind_filter FILTER[+FILTER] [WAY] PROGRAM [ARGS]: runs it under a filter that is there from its first
// instruction.
//
//   in_child       the launcher installs it, and goes on under it
//   in_container   everything that lives in the PID namespace has it, and podman's mark is there
//   in_jail        the same, but installed as one must who has no privileges
//   in_plain_jail  installed with privileges, but no mark is there that was not there before
//
// 77 if that is not allowed here.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filters.h"

static int become(char** words) {
  execvp(words[0], words);
  perror(words[0]);
  return 2;
}

static int run_in_child(char** words) {
  const pid_t child = fork();
  if (child == 0) _exit(become(words));
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 2;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int install_each(const char* filters) {
  const char* more = strchr(filters, '+');
  if (install_named(filters, 0) != 0) return -1;
  return more == NULL ? 0 : install_each(more + 1);
}

static int install_and_run(const char* filters, char** words, int in_child) {
  if (install_each(filters) == 0) return in_child ? run_in_child(words) : become(words);
  perror(filters);
  return 2;
}

static int leave_mark(void) {
  if (mount("none", "/run", "tmpfs", 0, NULL) != 0) return -1;
  const int fd = open("/run/.containerenv", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  return fd < 0 ? -1 : close(fd);
}

// The program is a child of the first process, and both have the filter.
static int run_in_namespace(const char* filters, char** words, int is_marked) {
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return 77;
  const pid_t first = fork();
  if (first == 0) {
    const int made =
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) + mount("proc", "/proc", "proc", 0, NULL);
    if (made != 0 || (is_marked && leave_mark() != 0)) _exit(77);
    _exit(install_and_run(filters, words, 1));
  }
  int status = 0;
  if (first < 0 || waitpid(first, &status, 0) != first) return 2;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const char* way = argv[2];
  const int is_container = strcmp(way, "in_container") == 0;
  const int is_plain = strcmp(way, "in_plain_jail") == 0;
  keep_privileges = is_container || is_plain;
  if (strcmp(way, "in_child") == 0) return install_and_run(argv[1], argv + 3, 1);
  if (is_container || is_plain || strcmp(way, "in_jail") == 0)
    return run_in_namespace(argv[1], argv + 3, !is_plain);
  return install_and_run(argv[1], argv + 2, 0);
}
