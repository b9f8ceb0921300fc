// We have ended our side and look every now and then whether the answer is there: no thread waits in a call
// on the socket. The program ends in the middle of it.
#include <signal.h>

#include "corpus.h"

static int slow_peer(int listener) {
  for (int i = 0; i < 4; i++) read_to_end(taken(listener));
  pause();
  return EXIT_FAILURE;
}

int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "peer") == 0) return slow_peer(atoi(argv[2]));
  const int listener = listen_at(AF_INET);
  const pid_t peer = start_untracked("corpus-peer", "peer", listener);
  int links[4];
  for (int i = 0; i < 4; i++) {
    links[i] = dialled(listener);
    say(links[i], "sum");
    require(shutdown(links[i], SHUT_WR) == 0, "shutdown");
  }
  const long rounds = (4 * grace_ms() + 7000) / 20;
  for (long round = 0; round < rounds; round++) {
    char text[8];
    for (int i = 0; i < 4; i++) require(recv(links[i], text, sizeof text, MSG_DONTWAIT) == -1, "early");
    wait_ms(20);
  }
  done();
  fflush(stdout);
  kill(peer, SIGKILL);
  _exit(0);
}
