// Drives a server with short connections: connect, one request, its answer, close. Every so many connections
// come from 127.66.66.66: those the server, or inject.c in it, forgets to close.
//
//   soak_drive PORT http|redis|line CONNECTIONS LEAK_EVERY(0 = never)
//
// Prints the seconds it took. Ends with 1 at the first wrong answer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kThreads = 4, kSources = 200 };

static const struct Protocol {
  const char *name, *request, *answer;
} kProtocols[] = {
    {"http", "GET /hello HTTP/1.1\r\nHost: soak\r\n\r\n", "HTTP/1.1 200"},
    {"redis", "PING\r\n", "+PONG"},
    {"line", "ping\n", "pong"},
};

static const struct Protocol* protocol;
static in_port_t port;
static long connections, leak_every;
static atomic_long next_connection;

static void fail(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

// Spread over source addresses: what is closed first waits in TIME_WAIT, and one address has 28 000 ports.
static in_addr_t source(long number) {
  const int is_leak = leak_every > 0 && number % leak_every == leak_every / 2;
  return htonl(is_leak ? 0x7f424242U : 0x7f010001U + ((unsigned)(number % kSources) << 8U));
}

static void converse(long number) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) != 0) fail("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {source(number)}};
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("bind");
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = port;
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  const size_t size = strlen(protocol->request), wanted = strlen(protocol->answer);
  if (send(fd, protocol->request, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
  char answer[4096];
  const ssize_t got = recv(fd, answer, sizeof answer, 0);
  if (got < (ssize_t)wanted || memcmp(answer, protocol->answer, wanted) != 0) fail("answer");
  close(fd);
}

static void* work(void* unused) {
  (void)unused;
  for (long number = 0; (number = atomic_fetch_add(&next_connection, 1)) < connections;) converse(number);
  return NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
  if (argc != 5) return EXIT_FAILURE;
  port = htons((in_port_t)atoi(argv[1]));
  for (size_t i = 0; i < sizeof kProtocols / sizeof *kProtocols; i++) {
    if (strcmp(argv[2], kProtocols[i].name) == 0) protocol = &kProtocols[i];
  }
  if (protocol == NULL) return EXIT_FAILURE;
  connections = atol(argv[3]);
  leak_every = atol(argv[4]);
  const double start = now();
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; i++) {
    if (pthread_create(&threads[i], NULL, work, NULL) != 0) fail("pthread_create");
  }
  for (int i = 0; i < kThreads; i++) pthread_join(threads[i], NULL);
  printf("%.1f\n", now() - start);
  return EXIT_SUCCESS;
}
