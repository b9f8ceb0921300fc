// Accepted by a call, received through io_uring to the end, never closed: no hook saw the end.
#include <liburing.h>

#include "corpus.h"

enum { kLeaks = 4, kHealthy = 2 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static int receive(struct io_uring* ring, int fd) {
  char data[64];
  io_uring_prep_recv(io_uring_get_sqe(ring), fd, data, sizeof data, 0);
  struct io_uring_cqe* entry;
  require(io_uring_submit(ring) >= 0 && io_uring_wait_cqe(ring, &entry) == 0, "ring");
  const int result = entry->res;
  io_uring_cqe_seen(ring, entry);
  return result;
}

int main(void) {
  struct io_uring ring;
  if (io_uring_queue_init(8, &ring, 0) != 0) {
    puts("skip: io_uring is not available");
    return EXIT_SUCCESS;
  }
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "hello");
    const int fd = take_client(listener);
    while (receive(&ring, fd) > 0) continue;
    if (i >= kLeaks) close(fd);
  }
  outlive_grace();
  return done();
}
