// Each worker waits for a backend that never answers; the clients have long gone.
#include <pthread.h>

#include "corpus.h"

typedef struct {
  int listener, backend;
} Ports;

NAMED static void* worker(void* at) {
  const Ports* ports = (const Ports*)at;
  const int client = accept(ports->listener, NULL, NULL);  // LEAK-OPEN
  const int backend = dialled(ports->backend);
  char answer[16];
  const ssize_t n = recv(backend, answer, sizeof answer, 0);
  if (n > 0) send(client, answer, (size_t)n, MSG_NOSIGNAL);
  close(backend);
  close(client);
  return NULL;
}

int main(void) {
  Ports ports = {listen_at(AF_INET), listen_at(AF_INET)};
  pthread_t threads[3];
  int backends[3];
  for (int i = 0; i < 3; i++) {
    visit(ports.listener, "GET / HTTP/1.0\r\n\r\n");
    require(pthread_create(&threads[i], NULL, worker, &ports) == 0, "thread");
    backends[i] = taken(ports.backend);
  }
  outlive_grace();
  puts("done");
  fflush(stdout);
  (void)backends;
  _exit(0);
}
