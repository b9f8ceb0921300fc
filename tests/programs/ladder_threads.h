// The threads of ladder.c: servers with a thread for each connection, slow ones, and threads that wait in
// calls.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "loopback.h"

#define MOST 16384

static int listener, leaks[MOST], peers[MOST], count;

static void keep(int fd, int peer) {
  leaks[count] = fd;
  peers[count++] = peer;
}

static void done_with(ssize_t n) { puts(n >= 0 ? "ok" : strerrorname_np(errno)); }

// A leak in a server with a thread for each connection, whose peer has asked something.
static void* forget_in_thread(void* unused) {
  (void)unused;
  const int peer = connect_to(listener);
  const int fd = accept_client(listener);
  say(peer, "question");
  require(shutdown(peer, SHUT_WR) == 0, "shutdown");
  read_to_end(fd);
  keep(fd, peer);
  return NULL;
}

static void leak_in_threads(int number, int unused) {
  (void)unused;
  for (int k = 0; k < number; k++) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, forget_in_thread, NULL) == 0, "pthread_create");
    require(pthread_join(thread, NULL) == 0, "pthread_join");
  }
  printf("%d\n", count);
}

// Clients that have finished their question and wait for an answer, which takes until "let" orders it.
static struct slow {
  pthread_t thread;
  int pipe[2];
  bool asks, is_loop;
  atomic_bool has_read, may_answer;
} slow[MOST];

static void wait_for_order(struct slow* each) {
  if (each->is_loop) {  // as an event loop: with descriptors that do not block
    struct pollfd polled = {each->pipe[0], POLLIN, 0};
    require(poll(&polled, 1, -1) == 1, "poll");
    return;
  }
  while (!atomic_load(&each->may_answer)) {
    const struct timespec moment = {0, 10000000};
    nanosleep(&moment, NULL);
  }
}

NAMED static void* serve_slowly(void* argument) {
  struct slow* each = argument;
  const int fd = leaks[each - slow];
  if (each->is_loop) {
    struct pollfd polled = {fd, POLLRDHUP, 0};
    require(poll(&polled, 1, -1) == 1, "poll");
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "F_SETFL");
  }
  read_to_end(fd);
  atomic_store(&each->has_read, true);
  wait_for_order(each);
  say(fd, "late");
  require(close(fd) == 0, "close");
  return NULL;
}

static void begin_slow(int asks, int is_loop) {
  struct slow* each = &slow[count];
  const int peer = connect_to(listener);
  keep(accept_client(listener), peer);
  each->asks = asks != 0;
  each->is_loop = is_loop != 0;
  require(pipe(each->pipe) == 0, "pipe");
  if (each->asks) say(peer, "question");
  require(shutdown(peer, SHUT_WR) == 0, "shutdown");
  require(pthread_create(&each->thread, NULL, serve_slowly, each) == 0, "pthread_create");
  while (!atomic_load(&each->has_read)) sched_yield();
  puts("ok");
}

static void let_answer(int i, int unused) {
  (void)unused;
  atomic_store(&slow[i].may_answer, true);
  require(write(slow[i].pipe[1], "x", 1) == 1, "write");
  require(pthread_join(slow[i].thread, NULL) == 0, "pthread_join");
  expect(peers[i], "late");
  read_to_end(peers[i]);
  puts("ok");
}

// Threads that wait in calls: for bytes, for a connection, and for an exception on a leak. Each is told to
// tell that it was served well in the end.
static pthread_t reader, acceptor, poller;
static int healthy[2], second_listener, wake[2];

static void* wait_for_bytes(void* unused) {
  (void)unused;
  expect(healthy[1], "bytes");
  return NULL;
}

static void* wait_for_connection(void* unused) {
  (void)unused;
  close(accept_client(second_listener));
  return NULL;
}

static void* wait_for_exception(void* argument) {
  struct pollfd polled[] = {{*(int*)argument, POLLPRI, 0}, {wake[0], POLLIN, 0}};
  require(poll(polled, 2, -1) == 1 && polled[1].revents != 0, "poll");
  return NULL;
}

static void block(int i, int unused) {
  (void)unused;
  healthy[0] = connect_to(listener);
  healthy[1] = accept_client(listener);
  second_listener = listen_any();
  require(pipe(wake) == 0, "pipe");
  require(pthread_create(&reader, NULL, wait_for_bytes, NULL) == 0, "pthread_create");
  require(pthread_create(&acceptor, NULL, wait_for_connection, NULL) == 0, "pthread_create");
  require(pthread_create(&poller, NULL, wait_for_exception, &leaks[i]) == 0, "pthread_create");
  puts("ok");
}

static void unblock(int unused, int unused_too) {
  (void)unused, (void)unused_too;
  say(healthy[0], "bytes");
  const int client = connect_to(second_listener);
  require(write(wake[1], "x", 1) == 1, "write");
  require(
      pthread_join(reader, NULL) == 0 && pthread_join(acceptor, NULL) == 0 && pthread_join(poller, NULL) == 0,
      "pthread_join");
  read_to_end(client);
  close(client);
  puts("ok");
}
