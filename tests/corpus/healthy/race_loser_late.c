// Happy eyeballs done right, but late: the loser is closed after many graces; one that was refused, too.
#include "corpus.h"

static int start(const Address* to) {
  const int fd = socket(to->name.ss_family, SOCK_STREAM, 0);
  no_block(fd);
  connect(fd, (const struct sockaddr*)&to->name, to->size);
  return fd;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const Address good = address_of(listener), bad = dead_address();
  int losers[12], lost = 0;
  for (int i = 0; i < 6; i++) {
    const int winner = start(&good);
    losers[lost++] = start(&bad);
    losers[lost++] = start(&good);
    struct pollfd one = {winner, POLLOUT, 0};
    require(poll(&one, 1, 20000) == 1, "poll");
    close(taken(listener));
    close(taken(listener));
    close(winner);
  }
  outlive_grace();
  for (int i = 0; i < lost; i++) close(losers[i]);
  close(listener);
  return done();
}
