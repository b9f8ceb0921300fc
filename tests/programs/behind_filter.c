// behind_filter FILTER [in_child|in_container] PROGRAM [ARGS]: runs it under a filter that is there from its
// first instruction. in_child: the launcher installs it, and goes on under it. in_container: everything that
// lives in the PID namespace has it, as container runtimes do; 77 if that is not allowed here.
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

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

static int install_and_run(const char* filter, char** words, int in_child) {
  if (install_named(filter, 0) == 0) return in_child ? run_in_child(words) : become(words);
  perror(filter);
  return 2;
}

// The program is a child of the first process, and both have the filter.
static int run_in_container(const char* filter, char** words) {
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return 77;
  const pid_t first = fork();
  if (first == 0) {
    const int made =
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) + mount("proc", "/proc", "proc", 0, NULL);
    _exit(made == 0 ? install_and_run(filter, words, 1) : 77);
  }
  int status = 0;
  if (first < 0 || waitpid(first, &status, 0) != first) return 2;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  if (strcmp(argv[2], "in_child") == 0) return install_and_run(argv[1], argv + 3, 1);
  if (strcmp(argv[2], "in_container") == 0) return run_in_container(argv[1], argv + 3);
  return install_and_run(argv[1], argv + 2, 0);
}
