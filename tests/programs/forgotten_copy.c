// A server that forks for each connection. Three of the five times one of the two keeps a copy:
//   parent    the parent does not close its copy of what the child has served and closed
//   child     a child keeps the copies that it never uses, the parent closes
//   exec      the same child is an exec'ed program: the sockets have no FD_CLOEXEC
#include <poll.h>
#include <sys/wait.h>

#include "loopback.h"

enum { kForgotten = 3, kHealthy = 2 };

static void peer_has_closed(int fd) {
  struct pollfd end = {fd, POLLRDHUP, 0};
  require(poll(&end, 1, 10000) == 1, "poll");
}

NAMED static pid_t fork_server(void) {
  fflush(stdout);
  const pid_t child = fork();
  require(child >= 0, "fork");
  return child;
}

static void wait_for(pid_t child) {
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "child");
}

static void parent_forgets(int listener) {
  for (int i = 0; i < kForgotten + kHealthy; i++) {
    const int client = connect_to(listener);
    const int server = accept_client(listener);
    say(client, "work\n");
    close(client);
    const pid_t child = fork_server();
    if (child == 0) {
      read_to_end(server);
      close(server);
      _exit(0);
    }
    wait_for(child);
    if (i >= kForgotten) close(server);
  }
}

// Reads "go" and ends when the other end closes.
static void child_forgets(int listener, const char* self) {
  int clients[kForgotten];
  int servers[kForgotten];
  int ready[2];
  int hold[2];
  require(pipe(ready) == 0 && pipe(hold) == 0, "pipe");
  for (int i = 0; i < kForgotten; i++) {
    clients[i] = connect_to(listener);
    servers[i] = accept_client(listener);
  }
  const pid_t child = fork_server();
  char byte = 0;
  if (child == 0) {
    close(hold[1]);
    close(ready[0]);
    for (int i = 0; i < kForgotten; i++) close(clients[i]);
    if (self != NULL) {
      char in[16];
      char out[16];
      snprintf(in, sizeof in, "%d", hold[0]);
      snprintf(out, sizeof out, "%d", ready[1]);
      execl(self, self, "helper", in, out, (char*)NULL);
      _exit(1);
    }
    require(write(ready[1], "r", 1) == 1, "write");
    require(read(hold[0], &byte, 1) == 1, "read");
    exit(0);
  }
  require(read(ready[0], &byte, 1) == 1, "read");
  for (int i = 0; i < kForgotten; i++) {
    close(clients[i]);
    peer_has_closed(servers[i]);
    close(servers[i]);
  }
  require(write(hold[1], "g", 1) == 1, "write");
  wait_for(child);
}

int main(int argc, char** argv) {
  if (argc == 4 && strcmp(argv[1], "helper") == 0) {
    char byte = 0;
    require(write(atoi(argv[3]), "r", 1) == 1, "write");
    require(read(atoi(argv[2]), &byte, 1) == 1, "read");
    return EXIT_SUCCESS;
  }
  const int listener = listen_any();
  if (has_argument(argc, argv, "parent")) parent_forgets(listener);
  if (has_argument(argc, argv, "child")) child_forgets(listener, NULL);
  if (has_argument(argc, argv, "exec")) child_forgets(listener, argv[0]);
  close(listener);
  return done();
}
