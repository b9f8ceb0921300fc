// Leaks that the mitigation ladder may act on, and what must be left alone beside them. The test tells it
// step by step what to do (one word a line) and reads its answers; peers live in this process, so nothing
// needs timing.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "loopback.h"

#define MOST 8192

static int listener, leaks[MOST], peers[MOST], count;
static int epoll = -1;

// A connection whose peer closed and whose end the program has read.
NAMED static int leak_one(void) {
  const int peer = connect_to(listener);
  const int fd = accept_client(listener);
  require(shutdown(peer, SHUT_WR) == 0, "shutdown");
  read_to_end(fd);
  leaks[count] = fd;
  peers[count++] = peer;
  return fd;
}

// The same from another line: a group of its own.
NAMED static int leak_other(void) { return leak_one() + 0; }

static const char* word_of(ssize_t n) { return n >= 0 ? "ok" : strerrorname_np(errno); }

// What the peer of a leak sees: "open" while nothing came, "eof", or the error.
static const char* seen_by(int peer) {
  char byte;
  const ssize_t n = recv(peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  if (n == 0) return "eof";
  if (n > 0) return "data";
  return errno == EAGAIN ? "open" : strerrorname_np(errno);
}

static void* block_in_recv(void* argument) {
  char byte;
  recv(*(int*)argument, &byte, 1, 0);
  return NULL;
}

static void print_poll(int fd) {
  struct pollfd polled = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&polled, 1, 0);
  printf("0x%x\n", (unsigned)polled.revents);
}

static void watch(int fd, unsigned events) {
  if (epoll < 0) epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = events, .data.fd = fd};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void print_events(void) {
  struct epoll_event events[16];
  const int n = epoll_wait(epoll, events, 16, 0);
  printf("%d", n);
  for (int i = 0; i < n; i++) printf(" 0x%x", events[i].events);
  printf("\n");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  listener = listen_any();
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char word[32] = "";
    int i = 0, number = 0;
    sscanf(line, "%31s %d %d", word, &i, &number);
    if (strcmp(word, "leak") == 0) {
      for (int k = 0; k < i; k++) leak_one();
      printf("%d\n", count);
    } else if (strcmp(word, "leak-other") == 0) {
      for (int k = 0; k < i; k++) leak_other();
      printf("%d\n", count);
    } else if (strcmp(word, "fd") == 0) {
      printf("%d\n", leaks[i]);
    } else if (strcmp(word, "gone") == 0) {  // the peer's process closes for good
      close(peers[i]);
      puts("ok");
    } else if (strcmp(word, "peer") == 0) {
      puts(seen_by(peers[i]));
    } else if (strcmp(word, "recv") == 0) {
      char byte;
      const ssize_t n = recv(leaks[i], &byte, 1, MSG_DONTWAIT);
      printf("%s\n", n == 0 ? "eof" : word_of(n));
    } else if (strcmp(word, "send") == 0) {  // without MSG_NOSIGNAL, and SIGPIPE is what it is by default
      puts(word_of(send(leaks[i], "x", 1, 0)));
    } else if (strcmp(word, "write") == 0) {
      puts(word_of(write(leaks[i], "x", 1)));
    } else if (strcmp(word, "answer") == 0) {  // late, to a peer that waits for it
      say(leaks[i], "late");
      expect(peers[i], "late");
      puts("ok");
    } else if (strcmp(word, "close") == 0) {
      puts(word_of(close(leaks[i])));
    } else if (strcmp(word, "poll") == 0) {
      print_poll(leaks[i]);
    } else if (strcmp(word, "unread") == 0) {  // data and the end wait: 1 = a TLS close_notify
      const int peer = connect_to(listener);
      const int fd = accept_client(listener);
      say(peer, i == 1 ? "\x15\x03\x03" : "data");
      require(shutdown(peer, SHUT_WR) == 0, "shutdown");
      struct pollfd polled = {fd, POLLRDHUP, 0};
      require(poll(&polled, 1, -1) == 1, "poll");
      leaks[count] = fd;
      peers[count++] = peer;
      puts("ok");
    } else if (strcmp(word, "dup") == 0) {
      printf("%d\n", dup(leaks[i]));
    } else if (strcmp(word, "fork") == 0) {  // a child that holds copies until its input ends
      int pipes[2];
      require(pipe(pipes) == 0, "pipe");
      if (fork() == 0) {
        char byte;
        close(pipes[1]);
        close(STDIN_FILENO);
        while (read(pipes[0], &byte, 1) > 0) {
        }
        _exit(0);
      }
      close(pipes[0]);
      printf("%d\n", pipes[1]);
    } else if (strcmp(word, "closefd") == 0) {
      close(i);
      while (waitpid(-1, NULL, 0) > 0) {
      }
      puts("ok");
    } else if (strcmp(word, "vfork") == 0) {  // a child in our memory closes everything in its own table
      const pid_t child = vfork();
      if (child == 0) {
        for (int k = 0; k < count; k++) close(leaks[k]);
        _exit(0);
      }
      waitpid(child, NULL, 0);
      puts("ok");
    } else if (strcmp(word, "watch") == 0) {
      watch(leaks[i], (unsigned)number);
      puts("ok");
    } else if (strcmp(word, "events") == 0) {
      print_events();
    } else if (strcmp(word, "unwatch") == 0) {
      puts(word_of(epoll_ctl(epoll, EPOLL_CTL_DEL, leaks[i], NULL)));
    } else if (strcmp(word, "blocked") == 0) {  // threads in calls on sockets that are no leaks
      static int healthy;
      pthread_t thread;
      const int peer = connect_to(listener);
      healthy = accept_client(listener);
      require(pthread_create(&thread, NULL, block_in_recv, &healthy) == 0, "pthread_create");
      pthread_detach(thread);
      (void)peer;
      puts("ok");
    } else {
      puts("what?");
    }
  }
  return done();
}
