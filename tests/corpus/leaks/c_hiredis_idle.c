// A hiredis context for each request, kept; the server closes idle ones.
#include <hiredis/hiredis.h>

#include "corpus.h"

NAMED static redisContext* connect_cache(int port) {
  return redisConnect("127.0.0.1", port);  // LEAK-OPEN
}

int main(void) {
  const int listener = listen_at(AF_INET);
  const Address here = address_of(listener);
  const int port = ntohs(((const struct sockaddr_in*)&here.name)->sin_port);
  redisContext* kept[8];
  for (int i = 0; i < 8; i++) {
    kept[i] = connect_cache(port);
    require(kept[i] != NULL && kept[i]->err == 0, "redisConnect");
    const int fd = taken(listener);
    close(fd);
  }
  for (int i = 4; i < 8; i++) {
    redisReply* reply = (redisReply*)redisCommand(kept[i], "PING");
    require(reply == NULL && kept[i]->err != 0, "end");  // LEAK-ASK
  }
  redisFree(kept[7]);
  outlive_grace();
  close(listener);
  return done();
}
