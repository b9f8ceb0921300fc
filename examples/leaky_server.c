// A small line server with two classic leaks, built like any other program: nothing of socktrack is
// in it. It serves each connection in a thread of its own:
//
//   echo TEXT     answers TEXT
//   upload N      answers "go ahead", takes N bytes, answers "stored N"
//   quit          answers "bye" and closes
//   shutdown      answers "stopping", closes, and stops the server
//
// Usage: leaky_server [PORT]     listens on 127.0.0.1, on any free port if none is given, and says
//                                "listening on PORT". SIGTERM stops it too: it takes no new
//                                connections, lets the running ones end, and exits 0.
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct conn {
  int fd;
  size_t used;
  char buffer[1024];
};

static volatile sig_atomic_t stopping;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
static int active;

static void fail(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static void conn_close(struct conn* c) {
  close(c->fd);
  c->fd = -1;
}

static bool reply(struct conn* c, const char* text) {
  size_t left = strlen(text);
  while (left > 0) {
    const ssize_t n = send(c->fd, text, left, MSG_NOSIGNAL);
    if (n < 0) return false;
    text += n;
    left -= (size_t)n;
  }
  return true;
}

// The next line without its end, or false when the client is gone or talks too much.
static bool read_request(struct conn* c, char* line) {
  for (;;) {
    char* end = memchr(c->buffer, '\n', c->used);
    if (end) {
      const size_t length = (size_t)(end - c->buffer);
      memcpy(line, c->buffer, length);
      line[length] = '\0';
      c->used -= length + 1;
      memmove(c->buffer, end + 1, c->used);
      return true;
    }
    if (c->used == sizeof c->buffer) return false;
    const ssize_t n = recv(c->fd, c->buffer + c->used, sizeof c->buffer - c->used, 0);
    if (n <= 0) return false;
    c->used += (size_t)n;
  }
}

// Takes `size` bytes of which some may already be in the buffer.
static bool receive_upload(struct conn* c, size_t size) {
  if (!reply(c, "go ahead\n")) return false;
  size_t got = c->used < size ? c->used : size;
  c->used -= got;
  memmove(c->buffer, c->buffer + got, c->used);
  while (got < size) {
    char chunk[512];
    const size_t want = size - got < sizeof chunk ? size - got : sizeof chunk;
    const ssize_t n = recv(c->fd, chunk, want, 0);
    if (n <= 0) return false;
    got += (size_t)n;
  }
  char answer[64];
  snprintf(answer, sizeof answer, "stored %zu\n", size);
  return reply(c, answer);
}

// Leak 1: when read_request() says that the client has gone, nobody closes the socket.
// Leak 2: neither does anybody when an upload breaks off.
static void serve(struct conn* c) {
  char line[sizeof c->buffer + 1];
  while (read_request(c, line)) {
    if (strncmp(line, "echo ", 5) == 0) {
      strcat(line, "\n");
      if (!reply(c, line + 5)) return;
    } else if (strncmp(line, "upload ", 7) == 0) {
      if (!receive_upload(c, strtoul(line + 7, NULL, 10))) return;
    } else if (strcmp(line, "quit") == 0) {
      reply(c, "bye\n");
      conn_close(c);
      return;
    } else if (strcmp(line, "shutdown") == 0) {
      reply(c, "stopping\n");
      conn_close(c);
      kill(getpid(), SIGTERM);
      return;
    } else {
      reply(c, "what?\n");
    }
  }
}

static void count_active(int change) {
  pthread_mutex_lock(&lock);
  active += change;
  if (active == 0) pthread_cond_signal(&idle);
  pthread_mutex_unlock(&lock);
}

static void* connection_thread(void* argument) {
  struct conn* c = argument;
  serve(c);
  free(c);
  count_active(-1);
  return NULL;
}

static void accept_client(int listener) {
  const int fd = accept(listener, NULL, NULL);
  if (fd < 0) {
    perror("accept");
    return;
  }
  struct conn* c = calloc(1, sizeof *c);
  if (!c) fail("calloc");
  c->fd = fd;
  count_active(1);
  pthread_t thread;
  if (pthread_create(&thread, NULL, connection_thread, c) != 0) fail("pthread_create");
  pthread_detach(thread);
}

static void wait_until_idle(void) {
  pthread_mutex_lock(&lock);
  while (active > 0) pthread_cond_wait(&idle, &lock);
  pthread_mutex_unlock(&lock);
}

static int listen_on(unsigned short port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("bind");
  if (listen(fd, 128) != 0) fail("listen");
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr*)&address, &size) != 0) fail("getsockname");
  printf("listening on %u\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static void on_term(int signal) {
  (void)signal;
  stopping = 1;
}

// SIGTERM stays blocked but inside ppoll(), so that it can neither be missed nor interrupt anything else.
static void prepare_signals(sigset_t* while_waiting) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  if (pthread_sigmask(SIG_BLOCK, &term, while_waiting) != 0) fail("pthread_sigmask");
  sigdelset(while_waiting, SIGTERM);
  const struct sigaction action = {.sa_handler = on_term};
  if (sigaction(SIGTERM, &action, NULL) != 0) fail("sigaction");
}

int main(int argc, char** argv) {
  sigset_t while_waiting;
  prepare_signals(&while_waiting);
  const int listener = listen_on(argc > 1 ? (unsigned short)atoi(argv[1]) : 0);
  while (!stopping) {
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    if (ppoll(&ready, 1, NULL, &while_waiting) == 1) accept_client(listener);
  }
  wait_until_idle();
  close(listener);
  return EXIT_SUCCESS;
}
