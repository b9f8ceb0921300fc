/* Rows that make sockets, connect them, and end one of their directions. */
#define _GNU_SOURCE
#include <netinet/in.h>

#include "told.h"

int __connect(int, const struct sockaddr*, socklen_t);
int pidfd_getfd(int, int, unsigned);

static struct sockaddr_in where(const struct scene* s) {
  struct sockaddr_in address = {0};
  socklen_t size = sizeof address;
  raw(SYS_getsockname, s->listener, (long)&address, (long)&size, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
void row_socket(struct scene* s) {
  (void)s;
  T(socket(AF_INET, SOCK_STREAM, 0));
  T(socket(AF_INET, SOCK_DGRAM, 0));
  T(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  T(socket(-1, SOCK_STREAM, 0));
}
void row_socketpair(struct scene* s) {
  (void)s;
  int pair[2];
  T(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  T(pair[0]);
  T(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  T(socketpair(AF_INET, SOCK_STREAM, 0, pair));
}
static int one_waits(struct scene* s) {
  const struct sockaddr_in address = where(s);
  const int client = (int)raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0);
  raw(SYS_connect, client, (long)&address, sizeof address, 0);
  return s->listener;
}
void row_accept(struct scene* s) {
  T(accept(one_waits(s), NULL, NULL));
  T(accept(s->listener, NULL, NULL));
  T(accept(s->a, NULL, NULL));
  T(accept(-1, NULL, NULL));
}
void row_accept4(struct scene* s) {
  T(accept4(one_waits(s), NULL, NULL, SOCK_CLOEXEC));
  T(accept4(s->listener, NULL, NULL, 0));
  T(accept4(s->listener, NULL, NULL, -1));
  T(accept4(-1, NULL, NULL, 0));
}
#define CONNECTS(name)                                               \
  void row_##name(struct scene* s) {                                 \
    const struct sockaddr_in address = where(s);                     \
    const int fd = (int)raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0); \
    T(name(fd, (const struct sockaddr*)&address, sizeof address));   \
    T(name(fd, (const struct sockaddr*)&address, sizeof address));   \
    T(name(-1, (const struct sockaddr*)&address, sizeof address));   \
    T(name(s->listener, NULL, 0));                                   \
  }
CONNECTS(connect)
CONNECTS(__connect)
void row_pidfd_getfd(struct scene* s) {
  const int self = (int)raw(SYS_pidfd_open, raw(SYS_getpid, 0, 0, 0, 0), 0, 0, 0);
  T(pidfd_getfd(self, s->a, 0));
  T(pidfd_getfd(self, -1, 0));
  T(pidfd_getfd(-1, 0, 0));
}
void row_listen(struct scene* s) {
  T(listen((int)raw(SYS_socket, AF_INET, SOCK_STREAM, 0, 0), 4));
  T(listen(s->a, 4));
  T(listen(-1, 4));
}
void row_shutdown(struct scene* s) {
  T(shutdown(s->a, SHUT_WR));
  T(shutdown(s->a, SHUT_RDWR));
  T(shutdown(s->a, 99));
  T(shutdown(s->in, SHUT_WR));
  T(shutdown(-1, SHUT_WR));
}
void row_getsockopt(struct scene* s) {
  int value = 0;
  socklen_t size = sizeof value;
  T(getsockopt(s->a, SOL_SOCKET, SO_ERROR, &value, &size));
  T(value);
  T(getsockopt(s->a, SOL_SOCKET, SO_TYPE, &value, &size));
  T(getsockopt(s->a, SOL_SOCKET, 9999, &value, &size));
  T(getsockopt(-1, SOL_SOCKET, SO_ERROR, &value, &size));
}
