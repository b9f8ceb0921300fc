// The clients of leaky_server: 23 that get an answer and leave (the server forgets to close), 5 that
// break off an upload with a reset (the server's error path forgets it too) and 40 that say "quit".
//
// Usage: drive PORT               drives the server that listens there
//        drive -- COMMAND...      starts the server (or a command that does), drives it, tells it to
//                                 shut down and exits with its status
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kLeaving = 23, kResetting = 5, kQuitting = 40 };

static unsigned short port;

static void fail(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static int connect_to_server(void) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  return fd;
}

static void say(int fd, const char* text) {
  if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) fail("send");
}

static void expect(int fd, const char* text) {
  char answer[64];
  const size_t size = strlen(text);
  if (recv(fd, answer, size, MSG_WAITALL) != (ssize_t)size || memcmp(answer, text, size) != 0) {
    fprintf(stderr, "the server did not answer %s", text);
    exit(EXIT_FAILURE);
  }
}

static void leave(void) {
  const int fd = connect_to_server();
  say(fd, "echo hello\n");
  expect(fd, "hello\n");
  close(fd);
}

static void reset_during_upload(void) {
  const int fd = connect_to_server();
  say(fd, "upload 1000\n");
  expect(fd, "go ahead\n");
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0) fail("SO_LINGER");
  close(fd);
}

static void quit(void) {
  const int fd = connect_to_server();
  say(fd, "echo hello\n");
  expect(fd, "hello\n");
  say(fd, "quit\n");
  expect(fd, "bye\n");
  close(fd);
}

static void drive(void) {
  for (int i = 0; i < kLeaving; i++) leave();
  for (int i = 0; i < kResetting; i++) reset_during_upload();
  for (int i = 0; i < kQuitting; i++) quit();
  printf("drove %d clients: %d left, %d reset, %d quit\n", kLeaving + kResetting + kQuitting, kLeaving,
         kResetting, kQuitting);
  fflush(stdout);
}

static void shut_down(void) {
  const int fd = connect_to_server();
  say(fd, "shutdown\n");
  expect(fd, "stopping\n");
  close(fd);
}

static pid_t start(char** command, FILE** output) {
  int ends[2];
  if (pipe(ends) != 0) fail("pipe");
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  close(ends[1]);
  *output = fdopen(ends[0], "r");
  if (!*output) fail("fdopen");
  return child;
}

static int drive_command(char** command) {
  FILE* output = NULL;
  const pid_t child = start(command, &output);
  char line[256];
  while (port == 0 && fgets(line, sizeof line, output)) {
    sscanf(line, "listening on %hu", &port);
    fputs(line, stdout);
  }
  if (port != 0) {
    drive();
    shut_down();
  }
  while (fgets(line, sizeof line, output)) fputs(line, stdout);
  fclose(output);
  int status = 0;
  if (waitpid(child, &status, 0) != child) fail("waitpid");
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "--") == 0) return drive_command(argv + 2);
  if (argc == 2) port = (unsigned short)atoi(argv[1]);
  if (port == 0) {
    fprintf(stderr, "usage: drive PORT | drive -- COMMAND [ARGUMENTS]\n");
    return 2;
  }
  drive();
  return EXIT_SUCCESS;
}
