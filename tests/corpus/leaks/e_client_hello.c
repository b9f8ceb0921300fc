// Worker threads are all busy: a ClientHello of 517 bytes and the FIN behind it wait unread (cron-job.org).
#include "corpus.h"

enum { kLeaks = 3 };

NAMED static int pick_up(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

int main(void) {
  const int listener = listen_at(AF_INET);
  char hello[518];
  memset(hello, 1, sizeof hello);
  memcpy(hello, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  hello[517] = '\0';
  for (int i = 0; i < kLeaks; i++) {
    const int client = dialled(listener);
    require(send(client, hello, 517, 0) == 517, "send");
    close(client);
    pick_up(listener);
  }
  outlive_grace();
  return done();
}
