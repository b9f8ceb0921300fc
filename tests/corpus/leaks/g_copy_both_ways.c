// A proxy copies each direction in a thread of its own and waits for both: the client has gone, the backend
// never closes (docker-proxy).
#include <pthread.h>
#include <signal.h>

#include "corpus.h"

enum { kPairs = 3 };

typedef struct {
  int client, backend;
} Pair;
static Pair pairs[kPairs];

NAMED static int take_client(int front) { return accept(front, NULL, NULL); }  // LEAK-OPEN

NAMED static int open_backend(int back) {
  const int fd = new_socket_for(back);  // LEAK-OPEN-BACKEND
  dial(fd, back);
  return fd;
}

NAMED static void copy(int from, int to) {
  char data[256];
  ssize_t n;
  while ((n = recv(from, data, sizeof data, 0)) > 0) {  // LEAK-SEEN
    if (send(to, data, (size_t)n, MSG_NOSIGNAL) != n) break;
  }
  shutdown(to, SHUT_WR);
}

static void* upstream(void* pair) {
  copy(((Pair*)pair)->client, ((Pair*)pair)->backend);
  return NULL;
}
static void* downstream(void* pair) {
  copy(((Pair*)pair)->backend, ((Pair*)pair)->client);
  return NULL;
}

// The backend is another program: it takes connections, reads what comes and never closes.
static int silent_backend(int listener) {
  int last = -1;
  for (int i = 0; i < kPairs; i++) last = taken(listener);
  char data[16];
  while (recv(last, data, sizeof data, 0) > 0) continue;
  pause();
  return 0;
}

int main(int argc, char** argv) {
  if (has_argument(argc, argv, "backend")) return silent_backend(atoi(argv[2]));
  const int back = listen_at(AF_INET), front = listen_at(AF_INET);
  const pid_t backend = start_untracked(argv[0], "backend", back);
  pthread_t threads[2];
  for (int i = 0; i < kPairs; i++) {
    visit(front, "hello");
    pairs[i] = (Pair){take_client(front), open_backend(back)};
    pthread_create(&threads[0], NULL, upstream, &pairs[i]);
    pthread_create(&threads[1], NULL, downstream, &pairs[i]);
  }
  wait_ms(7 * grace_ms() + 7500);  // a peer that is silent gets more patience than one that is gone
  kill(backend, SIGKILL);
  fflush(stdout);
  puts("done");
  fflush(stdout);
  _exit(0);
}
