// A server that leaks every connection, with so few descriptors that it is soon out of them, and its clients
// in a process of their own.
//   narrow_server LIMIT CONNECTIONS
// Prints its port first and waits for a line; then how many were served, or where it stopped.
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "loopback.h"

// Sources of its own for each, or the ports of one address would be used up by TIME_WAIT.
static int connect_from(long i, struct sockaddr_in server) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  require(fd >= 0, "socket");
  const int late = 1;
  require(setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &late, sizeof late) == 0,
          "setsockopt");
  struct sockaddr_in source = loopback();
  source.sin_addr.s_addr = htonl(0x7f010001U + (uint32_t)(i % 200) * 256);
  require(bind(fd, (const struct sockaddr*)&source, sizeof source) == 0, "bind");
  require(connect(fd, (const struct sockaddr*)&server, sizeof server) == 0, "connect");
  return fd;
}

static int be_the_clients(int orders, long connections) {
  struct sockaddr_in server;
  require(read(orders, &server, sizeof server) == sizeof server, "orders");
  for (long i = 0; i < connections; i++) {
    const int fd = connect_from(i, server);
    say(fd, "?");
    char byte = 0;
    if (recv(fd, &byte, 1, 0) != 1 || byte != '!') return EXIT_FAILURE;
    require(close(fd) == 0, "close");
  }
  return EXIT_SUCCESS;
}

NAMED static bool serve_and_forget(int listener) {
  const int fd = accept(listener, NULL, NULL);
  if (fd < 0) return false;
  expect(fd, "?");
  say(fd, "!");
  read_to_end(fd);
  return true;
}

int main(int argc, char** argv) {
  require(argc == 3, "LIMIT CONNECTIONS");
  const long connections = atol(argv[2]);
  int orders[2];
  require(pipe(orders) == 0, "pipe");
  const pid_t clients = fork();
  if (clients == 0) {
    close(orders[1]);
    _exit(be_the_clients(orders[0], connections));
  }
  close(orders[0]);
  const struct rlimit few = {(rlim_t)atol(argv[1]), (rlim_t)atol(argv[1])};
  require(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit");
  const int listener = listen_any();
  const struct sockaddr_in address = address_of(listener);
  printf("ready\n");
  fflush(stdout);
  char line[16];
  require(fgets(line, sizeof line, stdin) != NULL, "stdin");
  require(write(orders[1], &address, sizeof address) == sizeof address, "write");
  long served = 0;
  while (served < connections && serve_and_forget(listener)) served++;
  if (served < connections) {
    printf("stopped after %ld: %s\n", served, strerrorname_np(errno));
    return EXIT_FAILURE;
  }
  int status = 0;
  require(waitpid(clients, &status, 0) == clients && status == 0, "clients");
  printf("served %ld\n", served);
  return done();
}
