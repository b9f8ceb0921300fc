// Datagrams, sequenced packets and raw pairs: empty messages and refusals are no end of anything.
#include "corpus.h"

int main(void) {
  const int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
  const Address any = any_address(AF_INET);
  require(bind(receiver, (const struct sockaddr*)&any.name, any.size) == 0, "bind");
  const Address to = address_of(receiver);
  char byte;
  for (int i = 0; i < 5; i++) {
    require(sendto(sender, "", 0, 0, (const struct sockaddr*)&to.name, to.size) == 0, "sendto");
    require(recv(receiver, &byte, 1, 0) == 0, "recv");
  }
  const Address nobody = dead_address();
  require(connect(sender, (const struct sockaddr*)&nobody.name, nobody.size) == 0, "connect");
  require(send(sender, "x", 1, 0) == 1, "send");
  require(recv(sender, &byte, 1, 0) < 0 && errno == ECONNREFUSED, "refused");
  int pair[2];
  require(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
  require(send(pair[0], "", 0, 0) == 0 && recv(pair[1], &byte, 1, 0) == 0, "empty");
  outlive_grace();
  return done();
}
