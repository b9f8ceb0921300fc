// Relay of two directions, each ended by itself: the client ends its side early, the backend sends for many
// graces through splice and a pipe.
#include <pthread.h>

#include "corpus.h"

typedef struct {
  int from, to;
} Way;

static void* relay(void* at) {
  const Way* way = (const Way*)at;
  int tube[2];
  require(pipe(tube) == 0, "pipe");
  ssize_t n;
  while ((n = splice(way->from, NULL, tube[1], NULL, 4096, 0)) > 0) {
    while (n > 0) n -= splice(tube[0], NULL, way->to, NULL, (size_t)n, 0);
  }
  shutdown(way->to, SHUT_WR);
  close(tube[0]);
  close(tube[1]);
  return NULL;
}

int main(void) {
  const int front = listen_at(AF_INET), back = listen_at(AF_INET6);
  for (int i = 0; i < 1; i++) {
    const int client = dialled(front), near = taken(front), far = dialled(back), backend = taken(back);
    Way up = {near, far}, down = {far, near};
    pthread_t threads[2];
    require(pthread_create(&threads[0], NULL, relay, &up) == 0 &&
                pthread_create(&threads[1], NULL, relay, &down) == 0,
            "threads");
    say(client, "list");
    shutdown(client, SHUT_WR);
    read_to_end(backend);
    // Silence, then a trickle.
    outlive_grace();
    outlive_grace();
    for (int part = 0; part < 5; part++) {
      say(backend, "line\n");
      expect(client, "line\n");
      wait_ms(grace_ms());
    }
    close(backend);
    read_to_end(client);
    close(client);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    close(near);
    close(far);
  }
  close(front);
  close(back);
  return done();
}
