// What the programs of the corpus share: loopback sockets of every family, and time measured in graces.
// One thread can be both sides: a connect completes in the backlog of the listener, and a blocking read
// waits for what the other side has sent. C and C++.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The truth names these functions: they must be found in stacks.
#define NAMED __attribute__((noinline, unused))
#define HELPER static inline __attribute__((unused))

HELPER void require(bool good, const char* what) {
  if (good) return;
  perror(what);
  exit(EXIT_FAILURE);
}

// The grace the corpus is run with, in milliseconds.
HELPER long grace_ms(void) {
  const char* text = getenv("CORPUS_GRACE_MS");
  return text == NULL ? 300 : atol(text);
}

HELPER void wait_ms(long ms) {
  struct timespec rest = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&rest, &rest) != 0) continue;
}

// Longer than anybody's grace and the sweep after it.
HELPER void outlive_grace(void) { wait_ms(3 * grace_ms() + 300); }

typedef struct {
  struct sockaddr_storage name;
  socklen_t size;
} Address;

// Any port; of a UNIX socket any abstract name.
HELPER Address any_address(int family) {
  Address address;
  memset(&address, 0, sizeof address);
  address.name.ss_family = (sa_family_t)family;
  address.size = sizeof(sa_family_t);
  if (family == AF_INET) {
    address.size = sizeof(struct sockaddr_in);
    ((struct sockaddr_in*)&address.name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else if (family == AF_INET6) {
    address.size = sizeof(struct sockaddr_in6);
    ((struct sockaddr_in6*)&address.name)->sin6_addr = in6addr_loopback;
  }
  return address;
}

HELPER Address address_of(int fd) {
  Address address;
  address.size = sizeof address.name;
  require(getsockname(fd, (struct sockaddr*)&address.name, &address.size) == 0, "getsockname");
  return address;
}

HELPER int listen_with_backlog(int family, int backlog) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const Address address = any_address(family);
  require(fd >= 0 && bind(fd, (const struct sockaddr*)&address.name, address.size) == 0, "bind");
  require(listen(fd, backlog) == 0, "listen");
  return fd;
}
HELPER int listen_at(int family) { return listen_with_backlog(family, 256); }

HELPER int new_socket_for(int listener) {
  return socket(address_of(listener).name.ss_family, SOCK_STREAM, 0);
}

HELPER void dial(int fd, int listener) {
  const Address address = address_of(listener);
  require(connect(fd, (const struct sockaddr*)&address.name, address.size) == 0, "connect");
}

HELPER int dialled(int listener) {
  const int fd = new_socket_for(listener);
  require(fd >= 0, "socket");
  dial(fd, listener);
  return fd;
}

HELPER int taken(int listener) {
  const int fd = accept(listener, NULL, NULL);
  require(fd >= 0, "accept");
  return fd;
}

// A loopback address nobody listens on: connecting is refused.
HELPER Address dead_address(void) {
  const int fd = listen_at(AF_INET);
  const Address address = address_of(fd);
  close(fd);
  return address;
}

HELPER void say(int fd, const char* text) {
  require(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text), "send");
}

HELPER void expect(int fd, const char* text) {
  char answer[256];
  const ssize_t size = (ssize_t)strlen(text);
  require(recv(fd, answer, (size_t)size, MSG_WAITALL) == size && memcmp(answer, text, (size_t)size) == 0,
          text);
}

HELPER void read_to_end(int fd) {
  char line[4096];
  ssize_t n;
  do {
    n = read(fd, line, sizeof line);
  } while (n > 0);
  require(n == 0, "read");
}

// A client that comes, says something and goes.
HELPER void visit(int listener, const char* text) {
  const int fd = dialled(listener);
  if (*text != '\0') say(fd, text);
  close(fd);
}

// Until the peer's end has arrived; takes nothing out of the socket.
HELPER void wait_for_end(int fd) {
  struct pollfd one = {fd, POLLRDHUP, 0};
  require(poll(&one, 1, 20000) == 1, "poll");
}

// The peer sees a reset instead of an end of stream.
HELPER void reset(int fd) {
  const struct linger now = {1, 0};
  require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "SO_LINGER");
  require(close(fd) == 0, "close");
}

HELPER void no_block(int fd) { require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK"); }

HELPER int family_named(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "ipv6") == 0) return AF_INET6;
  if (argc > 1 && strcmp(argv[1], "unix") == 0) return AF_UNIX;
  return AF_INET;
}

HELPER bool has_argument(int argc, char** argv, const char* wanted) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], wanted) == 0) return true;
  }
  return false;
}

// The program once more, as a process that socktrack does not see: a peer on another machine.
HELPER pid_t start_untracked(const char* program, const char* role, int listener) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child != 0) return child;
  char number[16];
  snprintf(number, sizeof number, "%d", listener);
  require(fcntl(listener, F_SETFD, 0) == 0, "F_SETFD");
  unsetenv("LD_PRELOAD");
  execl("/proc/self/exe", program, role, number, (char*)NULL);
  _exit(127);
}

HELPER void wait_for(pid_t child) {
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "child");
}

HELPER int done(void) {
  puts("done");
  return EXIT_SUCCESS;
}
