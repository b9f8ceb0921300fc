// A server that does all of it through io_uring: accepted, received to the end, some closed, some forgotten.
#include <liburing.h>

#include "corpus.h"

static int result_of(struct io_uring* ring) {
  io_uring_submit(ring);
  struct io_uring_cqe* completion;
  require(io_uring_wait_cqe(ring, &completion) == 0, "wait");
  const int result = completion->res;
  io_uring_cqe_seen(ring, completion);
  return result;
}

int main(void) {
  struct io_uring ring;
  if (io_uring_queue_init(8, &ring, 0) != 0) return puts("skip: no io_uring"), 0;
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < 10; i++) {
    visit(listener, "hello");
    io_uring_prep_accept(io_uring_get_sqe(&ring), listener, NULL, NULL, 0);
    const int fd = result_of(&ring);
    require(fd >= 0, "accept");
    char text[32];
    int n;
    do {
      io_uring_prep_recv(io_uring_get_sqe(&ring), fd, text, sizeof text, 0);
      n = result_of(&ring);
    } while (n > 0);
    if (i % 2 != 0) continue;
    io_uring_prep_close(io_uring_get_sqe(&ring), fd);
    require(result_of(&ring) == 0, "close");
  }
  // As its listener stays, so does the ring.
  outlive_grace();
  outlive_grace();
  return done();
}
