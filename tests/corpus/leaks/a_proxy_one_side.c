// A proxy flushes its buffers, closes the backend and forgets the client (sniproxy).
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int take_client(int front) { return accept(front, NULL, NULL); }  // LEAK-OPEN

NAMED static ssize_t pump(int from, int to) {
  char data[512];
  const ssize_t n = recv(from, data, sizeof data, 0);  // LEAK-SEEN
  if (n > 0) require(send(to, data, (size_t)n, MSG_NOSIGNAL) == n, "send");
  return n;
}

NAMED static void proxy(int client, int backend, bool forget) {
  while (pump(client, backend) > 0) continue;
  close(backend);
  if (!forget) close(client);
}

int main(void) {
  const int front = listen_at(AF_INET), back = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(front, "through the proxy");
    const int client = take_client(front);
    const int backend = dialled(back);
    proxy(client, backend, i < kLeaks);
    const int origin = taken(back);
    read_to_end(origin);
    close(origin);
  }
  outlive_grace();
  return done();
}
