// Children started through libc between the connections (popen, system, posix_spawn): 4 leaks, 4 healthy,
// and nothing of the children's is ours.
#include <spawn.h>
#include <sys/wait.h>

#include "loopback.h"

enum { kLeaks = 4, kHealthy = 4 };

extern char** environ;

NAMED static void spawn_true(void) {
  char name[] = "true";
  char* arguments[] = {name, NULL};
  pid_t child = 0;
  int status = 0;
  require(posix_spawnp(&child, name, NULL, NULL, arguments, environ) == 0, "posix_spawnp");
  require(waitpid(child, &status, 0) == child && status == 0, "true");
}

NAMED static void popen_echo(void) {
  char line[16] = "";
  FILE* output = popen("echo hello", "r");
  require(output && fgets(line, sizeof line, output) && strcmp(line, "hello\n") == 0, "popen");
  require(pclose(output) == 0, "pclose");
}

NAMED static void serve_one(int listener, bool close_it) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  popen_echo();
  close(client);
  read_to_end(server);
  require(system("exit 0") == 0, "system");
  if (close_it) close(server);
  spawn_true();
}

int main(void) {
  const int listener = listen_any();
  for (int i = 0; i < kLeaks + kHealthy; i++) serve_one(listener, i >= kLeaks);
  close(listener);
  return done();
}
