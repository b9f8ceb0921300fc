// Threads cancelled inside recv() whose cleanup handlers close the socket: 8 healthy connections.
#include <pthread.h>

#include "loopback.h"

enum { kConnections = 8 };

static int cleaned;

static void close_socket(void* argument) {
  close(*(int*)argument);
  cleaned++;
}

static void* wait_for_request(void* argument) {
  char byte;
  pthread_cleanup_push(close_socket, argument);
  while (recv(*(int*)argument, &byte, 1, 0) > 0) say(*(int*)argument, "+");
  pthread_cleanup_pop(1);
  return NULL;
}

NAMED static void cancel_one(int listener) {
  const int client = connect_to(listener);
  int server = accept_client(listener);
  pthread_t thread;
  require(pthread_create(&thread, NULL, wait_for_request, &server) == 0, "pthread_create");
  say(client, "?");
  expect(client, "+");
  void* result = NULL;
  require(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0, "cancel and join");
  require(result == PTHREAD_CANCELED, "cancelled");
  read_to_end(client);
  close(client);
}

int main(void) {
  const int listener = listen_any();
  for (int i = 0; i < kConnections; i++) cancel_one(listener);
  close(listener);
  require(cleaned == kConnections, "each cleanup handler ran once");
  return done();
}
