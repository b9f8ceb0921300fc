// io_uring receives the end and closes the socket: no call of the C library in between.
#include <liburing.h>

#include "corpus.h"

enum { kSockets = 6 };

static int submit(struct io_uring* ring) {
  struct io_uring_cqe* done_entry;
  require(io_uring_submit(ring) >= 0 && io_uring_wait_cqe(ring, &done_entry) == 0, "ring");
  const int result = done_entry->res;
  io_uring_cqe_seen(ring, done_entry);
  return result;
}

int main(void) {
  struct io_uring ring;
  if (io_uring_queue_init(8, &ring, 0) != 0) {
    puts("skip: io_uring is not available");
    return EXIT_SUCCESS;
  }
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kSockets; i++) {
    visit(listener, "hello");
    int fd;
    if (i % 2 == 0) {
      fd = taken(listener);
    } else {
      io_uring_prep_accept(io_uring_get_sqe(&ring), listener, NULL, NULL, SOCK_CLOEXEC);
      fd = submit(&ring);
    }
    char data[64];
    int n;
    do {
      io_uring_prep_recv(io_uring_get_sqe(&ring), fd, data, sizeof data, 0);
      n = submit(&ring);
    } while (n > 0);
    io_uring_prep_close(io_uring_get_sqe(&ring), fd);
    require(submit(&ring) == 0, "close");
  }
  outlive_grace();
  io_uring_queue_exit(&ring);
  return done();
}
