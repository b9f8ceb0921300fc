// Leaks N sockets (5 if not given), says "ready PID" and does what the lines on its input say: "close"
// closes the leaked sockets and answers "closed", "leak" leaks one more and answers "leaked", "quit" or
// the end of the input ends it. SIGTERM makes it say "term" and exit with status 7.
#include <signal.h>

#include "loopback.h"

enum { kMost = 100 };

static int leaked[kMost];
static int count;

static void on_term(int signal) {
  (void)signal;
  const char said[] = "term\n";
  if (write(STDOUT_FILENO, said, sizeof said - 1) != sizeof said - 1) _exit(1);
  _exit(7);
}

NAMED static void leak_one(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
  leaked[count++] = server;
}

static void answer(const char* text) {
  puts(text);
  fflush(stdout);
}

int main(int argc, char** argv) {
  const int wanted = argc > 1 ? atoi(argv[1]) : 5;
  require(wanted < kMost, "few enough");
  require(signal(SIGTERM, on_term) != SIG_ERR, "signal");
  const int listener = listen_any();
  while (count < wanted) leak_one(listener);
  printf("ready %d\n", (int)getpid());
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0) {
    if (strcmp(line, "leak\n") == 0 && count < kMost) {
      leak_one(listener);
      answer("leaked");
    }
    if (strcmp(line, "close\n") == 0) {
      while (count > 0) close(leaked[--count]);
      answer("closed");
    }
  }
  return done();
}
