// We have said all we had to say; the peer reads that and never closes.
#include <signal.h>

#include "corpus.h"

enum { kLinks = 4 };

NAMED static int open_link(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  dial(fd, listener);
  return fd;
}

NAMED static void say_goodbye(int fd) {
  say(fd, "that was all");
  shutdown(fd, SHUT_WR);  // LEAK-SEEN
}

static int silent_peer(int listener) {
  for (int i = 0; i < kLinks; i++) taken(listener);
  pause();
  return 0;
}

int main(int argc, char** argv) {
  if (has_argument(argc, argv, "peer")) return silent_peer(atoi(argv[2]));
  const int listener = listen_at(AF_INET);
  const pid_t peer = start_untracked(argv[0], "peer", listener);
  for (int i = 0; i < kLinks; i++) say_goodbye(open_link(listener));
  wait_ms(7 * grace_ms() + 7500);  // a peer that is silent gets more patience than one that is gone
  kill(peer, SIGKILL);
  return done();
}
