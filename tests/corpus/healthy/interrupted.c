// Signals interrupt recv, accept and connect: EINTR, EAGAIN and timeouts are no end of anything.
#include <signal.h>
#include <sys/time.h>

#include "corpus.h"

static void ignore(int number) { (void)number; }

int main(void) {
  const struct sigaction action = {.sa_handler = ignore};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval often = {{0, 2000}, {0, 2000}};
  const int listener = listen_at(AF_INET);
  const int client = dialled(listener), server = taken(listener);
  setitimer(ITIMER_REAL, &often, NULL);
  char byte = 'x';
  for (int i = 0; i < 50; i++) require(recv(server, &byte, 1, 0) < 0 && errno == EINTR, "EINTR");
  require(accept(listener, NULL, NULL) < 0 && errno == EINTR, "EINTR");
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
  const struct timeval soon = {0, 5000};
  setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
  for (int i = 0; i < 5; i++) require(recv(server, &byte, 1, 0) < 0 && errno == EAGAIN, "EAGAIN");
  require(recv(server, &byte, 0, MSG_DONTWAIT) <= 0, "nothing asked for");
  require(read(server, &byte, 0) == 0, "nothing asked for");
  outlive_grace();
  require(send(client, &byte, 1, 0) == 1 && recv(server, &byte, 1, 0) == 1, "still there");
  return done();
}
