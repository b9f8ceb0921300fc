// Loopback sockets for the test programs. One thread can be both sides: a connect completes in the
// backlog of the listener, and recv() waits for what the other side has sent, so nothing needs timing.
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The tests look for these functions in stacks.
#define NAMED __attribute__((noinline, unused))

static inline void require(bool good, const char* what) {
  if (good) return;
  perror(what);
  exit(EXIT_FAILURE);
}

static inline struct sockaddr_in loopback(void) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static inline struct sockaddr_in address_of(int fd) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  require(getsockname(fd, (struct sockaddr*)&address, &size) == 0, "getsockname");
  return address;
}

// A socket bound to a free port. Until it listens, connecting to it is refused.
static inline int bound(int type) {
  const int fd = socket(AF_INET, type, 0);
  require(fd >= 0, "socket");
  const struct sockaddr_in address = loopback();
  require(bind(fd, (const struct sockaddr*)&address, sizeof address) == 0, "bind");
  return fd;
}

static inline int listen_any(void) {
  const int fd = bound(SOCK_STREAM);
  require(listen(fd, 128) == 0, "listen");
  return fd;
}

NAMED static int connect_to(int listener) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  require(fd >= 0, "socket");
  const struct sockaddr_in address = address_of(listener);
  require(connect(fd, (const struct sockaddr*)&address, sizeof address) == 0, "connect");
  return fd;
}

NAMED static int accept_client(int listener) {
  const int fd = accept(listener, NULL, NULL);
  require(fd >= 0, "accept");
  return fd;
}

static inline void say(int fd, const char* text) {
  require(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text), "send");
}

static inline void expect(int fd, const char* text) {
  char answer[64];
  const ssize_t size = (ssize_t)strlen(text);
  require(recv(fd, answer, (size_t)size, MSG_WAITALL) == size && memcmp(answer, text, (size_t)size) == 0,
          text);
}

// Reads to the end of stream.
NAMED static void read_to_end(int fd) {
  char line[64];
  ssize_t n;
  do {
    n = recv(fd, line, sizeof line, 0);
  } while (n > 0);
  require(n == 0, "recv");
}

// The peer sees a reset instead of an end of stream.
static inline void reset(int fd) {
  const struct linger now = {1, 0};
  require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "SO_LINGER");
  require(close(fd) == 0, "close");
}

static inline bool has_argument(int argc, char** argv, const char* wanted) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], wanted) == 0) return true;
  }
  return false;
}

static inline int done(void) {
  puts("done");
  return EXIT_SUCCESS;
}
