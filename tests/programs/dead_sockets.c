// Holds one of every kind of dead socket and some living ones, says "ready", and ends with its input:
// 5 read to their end, 3 unread, 2 with data in an epoll set, 1 with what looks like TLS close_notify, 4 that
// wait to be accepted, 3 without a connection, 1 UNIX stream without its peer, 2 that are alive.
#include <sys/epoll.h>

#include "loopback.h"

static int pair_at(int listener, int* client) {
  *client = connect_to(listener);
  return accept_client(listener);
}

NAMED static int ended_by_peer(int listener, const char* last_words) {
  int client;
  const int server = pair_at(listener, &client);
  if (*last_words != '\0') say(client, last_words);
  close(client);
  return server;
}

static void watched(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLOUT | EPOLLET, .data = {.fd = fd}};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

int main(void) {
  const int listener = listen_any();
  const int epoll = epoll_create1(0);
  for (int i = 0; i < 5; i++) read_to_end(ended_by_peer(listener, ""));
  for (int i = 0; i < 3; i++) ended_by_peer(listener, "");
  for (int i = 0; i < 2; i++) watched(epoll, ended_by_peer(listener, "abc"));
  ended_by_peer(listener, "twenty-four bytes of it.");
  for (int i = 0; i < 2; i++) {
    int client;
    pair_at(listener, &client);
  }
  for (int i = 0; i < 4; i++) {
    const int client = connect_to(listener);
    say(client, "hello");
    close(client);
  }
  for (int i = 0; i < 3; i++) require(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  close(ends[1]);
  puts("ready");
  fflush(stdout);
  char line[8];
  while (fgets(line, sizeof line, stdin)) {
  }
  return done();
}
