// A client that drops the socket of each refused attempt: 7 leaks, 3 healthy connections. With
// "nonblocking" the refusal comes through poll() and SO_ERROR. With "fixed" each attempt is closed.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "loopback.h"

enum { kRefused = 7, kHealthy = 3 };

static int error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  require(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0, "SO_ERROR");
  return error;
}

NAMED static int try_connect(const struct sockaddr_in* address, bool nonblocking, int* error) {
  const int fd = socket(AF_INET, nonblocking ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_STREAM, 0);
  require(fd >= 0, "socket");
  *error = connect(fd, (const struct sockaddr*)address, sizeof *address) == 0 ? 0 : errno;
  if (*error == EINPROGRESS) {
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    require(poll(&writable, 1, -1) == 1, "poll");
    *error = error_of(fd);
  }
  return fd;
}

NAMED static void attempt(int target, bool nonblocking, int expected, bool close_it) {
  const struct sockaddr_in address = address_of(target);
  int error = 0;
  const int fd = try_connect(&address, nonblocking, &error);
  require(error == expected, "the expected outcome of connect");
  if (close_it) close(fd);
}

int main(int argc, char** argv) {
  const bool fixed = has_argument(argc, argv, "fixed");
  const bool nonblocking = has_argument(argc, argv, "nonblocking");
  const int closed_port = bound(SOCK_STREAM);
  for (int i = 0; i < kRefused; i++) attempt(closed_port, nonblocking, ECONNREFUSED, fixed);
  require(listen(closed_port, kHealthy) == 0, "listen");
  for (int i = 0; i < kHealthy; i++) attempt(closed_port, nonblocking, 0, true);
  close(closed_port);
  return done();
}
