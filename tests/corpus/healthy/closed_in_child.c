// Children by fork, vfork and posix_spawn close copies; the parent serves on and closes its own.
#include <spawn.h>

#include "corpus.h"

extern char** environ;
enum { kRounds = 3 };

static void fork_child(int fd) {
  const pid_t child = fork();
  if (child == 0) {
    close(fd);
    _exit(0);
  }
  wait_for(child);
}
static void spawn_child(int fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, fd);
  posix_spawn_file_actions_adddup2(&actions, 2, fd);
  char* const arguments[] = {(char*)"true", NULL};
  pid_t child;
  require(posix_spawnp(&child, "true", &actions, NULL, arguments, environ) == 0, "posix_spawn");
  posix_spawn_file_actions_destroy(&actions);
  wait_for(child);
}
static void vfork_child(int fd) {
  const pid_t child = vfork();
  if (child == 0) {
    close(fd);
    close_range(3, ~0U, 0);
    execl("/bin/true", "true", (char*)NULL);
    _exit(1);
  }
  wait_for(child);
}

int main(void) {
  const int listener = listen_at(AF_INET);
  void (*const ways[])(int) = {fork_child, spawn_child, vfork_child};
  for (int i = 0; i < 3 * kRounds; i++) {
    const int client = dialled(listener), server = taken(listener);
    ways[i % 3](server);
    say(client, "still there");
    expect(server, "still there");
    close(client);
    read_to_end(server);
    close(server);
  }
  outlive_grace();
  return done();
}
