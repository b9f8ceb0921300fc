// A helper process on a socketpair ends; its parent reads the end and keeps its half.
#include "corpus.h"

enum { kLeaks = 4, kHealthy = 2 };

NAMED static int start_helper(void) {
  int pair[2];
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");  // LEAK-OPEN
  const pid_t child = fork();
  if (child == 0) _exit(write(pair[1], "ready", 5) == 5 ? 0 : 1);
  close(pair[1]);
  wait_for(child);
  return pair[0];
}

NAMED static void hear_helper(int fd) {
  char answer[16];
  while (read(fd, answer, sizeof answer) > 0) continue;  // LEAK-SEEN
}

int main(void) {
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int helper = start_helper();
    hear_helper(helper);
    if (i >= kLeaks) close(helper);
  }
  outlive_grace();
  return done();
}
