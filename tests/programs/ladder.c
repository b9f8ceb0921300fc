// Leaks that the mitigation ladder may act on, and what must be left alone beside them. The test gives it
// orders (a word and up to two numbers a line) and reads one line of answer to each; peers live in this
// process, so nothing needs timing.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ladder_threads.h"

static int epoll = -1;

// A connection whose peer has finished and whose end the program has read.
NAMED static void leak_one(void) {
  const int peer = connect_to(listener);
  const int fd = accept_client(listener);
  require(shutdown(peer, SHUT_WR) == 0, "shutdown");
  read_to_end(fd);
  keep(fd, peer);
}

static void leak(int number, int unused) {
  (void)unused;
  for (int k = 0; k < number; k++) leak_one();
  printf("%d\n", count);
}

// What the peer of a leak sees: "open" while nothing came, "eof", or the error.
static void print_peer(int i, int unused) {
  (void)unused;
  char byte;
  const ssize_t n = recv(peers[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  if (n >= 0) {
    puts(n == 0 ? "eof" : "data");
  } else {
    puts(errno == EAGAIN ? "open" : strerrorname_np(errno));
  }
}

static void print_fd(int i, int unused) {
  (void)unused;
  printf("%d\n", leaks[i]);
}

static void print_inode(int i, int unused) {
  (void)unused;
  struct stat facts;
  require(fstat(leaks[i], &facts) == 0, "fstat");
  printf("%lu\n", (unsigned long)facts.st_ino);
}

static void peer_goes(int i, int unused) {  // its process closes for good
  (void)unused;
  done_with(close(peers[i]));
}

static void receive(int i, int unused) {
  (void)unused;
  char byte;
  const ssize_t n = recv(leaks[i], &byte, 1, MSG_DONTWAIT);
  if (n == 0) {
    puts("eof");
  } else {
    done_with(n);
  }
}

// Without MSG_NOSIGNAL, and SIGPIPE is what it is by default.
static void send_byte(int i, int unused) {
  (void)unused;
  done_with(send(leaks[i], "x", 1, 0));
}

static void write_byte(int i, int unused) {
  (void)unused;
  done_with(write(leaks[i], "x", 1));
}

static void answer_late(int i, int unused) {  // to a peer that waits for it
  (void)unused;
  say(leaks[i], "late");
  expect(peers[i], "late");
  puts("ok");
}

static void close_leak(int i, int unused) {
  (void)unused;
  done_with(close(leaks[i]));
}

// 0: dissolves the association, 1: connects anew, 2 and 3: the same by syscall().
static void connect_leak(int i, int how) {
  struct sockaddr_in address = address_of(listener);
  if (how % 2 == 0) address.sin_family = AF_UNSPEC;
  if (how < 2) {
    done_with(connect(leaks[i], (const struct sockaddr*)&address, sizeof address));
  } else {
    done_with(syscall(SYS_connect, leaks[i], &address, sizeof address));
  }
}

static void listen_on_leak(int i, int unused) {
  (void)unused;
  done_with(listen(leaks[i], 1));
}

static void set_blocking(int i, int blocks) { done_with(fcntl(leaks[i], F_SETFL, blocks ? 0 : O_NONBLOCK)); }

static void print_poll(int i, int unused) {
  (void)unused;
  struct pollfd polled = {leaks[i], POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&polled, 1, 0);
  printf("0x%x\n", (unsigned)polled.revents);
}

static void unread(int kind, int unused) {  // data and the end wait: 1 = a TLS close_notify
  (void)unused;
  const int peer = connect_to(listener);
  const int fd = accept_client(listener);
  const char farewell[] = "\x15\x03\x03\x00\x02\x01";  // an alert: warning, close_notify (0)
  const ssize_t size = kind == 1 ? (ssize_t)sizeof farewell : 4;
  require(send(peer, kind == 1 ? farewell : "data", (size_t)size, MSG_NOSIGNAL) == size, "send");
  require(shutdown(peer, SHUT_WR) == 0, "shutdown");
  struct pollfd polled = {fd, POLLRDHUP, 0};
  require(poll(&polled, 1, -1) == 1, "poll");
  keep(fd, peer);
  puts("ok");
}

static void duplicate(int i, int unused) {
  (void)unused;
  printf("%d\n", dup(leaks[i]));
}

// A child that holds what it has until its input ends; prints the descriptor that ends it.
static void hold_in_child(int passed) {
  int pipes[2];
  require(pipe(pipes) == 0, "pipe");
  if (fork() == 0) {
    char byte;
    close(pipes[1]);
    close(STDIN_FILENO);
    if (passed >= 0) {
      for (int k = 0; k < count; k++) close(leaks[k]);
      char room[CMSG_SPACE(sizeof(int))];
      struct iovec part = {&byte, 1};
      struct msghdr message = {
          .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
      require(recvmsg(passed, &message, 0) == 1, "recvmsg");
    }
    while (read(pipes[0], &byte, 1) > 0) {
    }
    _exit(0);
  }
  close(pipes[0]);
  printf("%d\n", pipes[1]);
}

static void fork_holder(int unused, int unused_too) {
  (void)unused, (void)unused_too;
  hold_in_child(-1);
}

static void pass_to_child(int i, int unused) {
  (void)unused;
  int pair[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  union {
    char room[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control = {.room = ""};
  struct iovec part = {"x", 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header =
      (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
  memcpy(CMSG_DATA(header), &leaks[i], sizeof(int));
  require(sendmsg(pair[0], &message, 0) == 1, "sendmsg");
  hold_in_child(pair[1]);
  close(pair[0]);
  close(pair[1]);
}

static void close_number(int fd, int unused) {
  (void)unused;
  close(fd);
  while (waitpid(-1, NULL, 0) > 0) {
  }
  puts("ok");
}

static void close_all_in_vfork(int unused, int unused_too) {  // in our memory, in a table of its own
  (void)unused, (void)unused_too;
  const pid_t child = vfork();
  if (child == 0) {
    for (int k = 0; k < count; k++) close(leaks[k]);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  puts("ok");
}

static void watch(int i, int events) {
  if (epoll < 0) epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = (unsigned)events, .data.fd = leaks[i]};
  done_with(epoll_ctl(epoll, EPOLL_CTL_ADD, leaks[i], &event));
}

static void watch_again(int i, int events) {
  struct epoll_event event = {.events = (unsigned)events, .data.fd = leaks[i]};
  done_with(epoll_ctl(epoll, EPOLL_CTL_MOD, leaks[i], &event));
}

static void unwatch(int i, int unused) {
  (void)unused;
  done_with(epoll_ctl(epoll, EPOLL_CTL_DEL, leaks[i], NULL));
}

static int by_number(const void* a, const void* b) {
  return ((const struct epoll_event*)a)->data.fd - ((const struct epoll_event*)b)->data.fd;
}

static void print_events(int unused, int unused_too) {
  (void)unused, (void)unused_too;
  struct epoll_event events[16];
  const int n = epoll_wait(epoll, events, 16, 0);
  qsort(events, (size_t)n, sizeof events[0], by_number);
  printf("%d", n);
  for (int k = 0; k < n; k++) printf(" 0x%x", events[k].events);
  printf("\n");
}

static int make_descriptor(int how) {
  int pair[2] = {-1, -1};
  switch (how) {
    case 0:
      return accept(listener, NULL, NULL);
    case 1:
      return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    case 2:
      return socket(AF_INET, SOCK_STREAM, 0);
    case 3:
      return dup(listener);
    case 4:
      return fcntl(listener, F_DUPFD_CLOEXEC, 0);
    case 5:
      return (int)syscall(SYS_accept4, listener, NULL, NULL, 0);
    default:
      if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return -1;
      close(pair[1]);
      return pair[0];
  }
}

// Makes a descriptor in one way or another while there is none left.
static void lack(int how, int unused) {
  (void)unused;
  const int client = connect_to(listener);
  const int next = dup(listener);
  close(next);
  struct rlimit limit, none;
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  none = limit;
  none.rlim_cur = (rlim_t)next;
  require(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");
  const int made = make_descriptor(how);
  const int error = errno;
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  const bool accepted = made >= 0 && (how <= 1 || how == 5);
  if (!accepted) close(accept_client(listener));
  if (made >= 0) close(made);
  close(client);
  puts(made >= 0 ? "ok" : strerrorname_np(error));
}

static void print_limit(int unused, int unused_too) {
  (void)unused, (void)unused_too;
  struct rlimit limit;
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  printf("%lu %lu\n", (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
}

static void ignore_sigpipe(int unused, int unused_too) {
  (void)unused, (void)unused_too;
  signal(SIGPIPE, SIG_IGN);
  puts("ok");
}

static const struct {
  const char* word;
  void (*follow)(int, int);
} orders[] = {
    {"leak", leak},
    {"leak-in-threads", leak_in_threads},
    {"slow", begin_slow},
    {"let", let_answer},
    {"peer", print_peer},
    {"fd", print_fd},
    {"inode", print_inode},
    {"gone", peer_goes},
    {"recv", receive},
    {"send", send_byte},
    {"write", write_byte},
    {"answer", answer_late},
    {"close", close_leak},
    {"connect", connect_leak},
    {"listen", listen_on_leak},
    {"blocking", set_blocking},
    {"poll", print_poll},
    {"unread", unread},
    {"dup", duplicate},
    {"fork", fork_holder},
    {"pass", pass_to_child},
    {"closefd", close_number},
    {"vfork", close_all_in_vfork},
    {"watch", watch},
    {"rewatch", watch_again},
    {"unwatch", unwatch},
    {"events", print_events},
    {"block", block},
    {"unblock", unblock},
    {"lack", lack},
    {"limit", print_limit},
    {"ignore-sigpipe", ignore_sigpipe},
};

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  listener = listen_any();
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char word[32] = "";
    int i = 0, number = 0;
    sscanf(line, "%31s %d %d", word, &i, &number);
    bool known = false;
    for (size_t k = 0; k < sizeof orders / sizeof orders[0] && !known; k++) {
      known = strcmp(word, orders[k].word) == 0;
      if (known) orders[k].follow(i, number);
    }
    if (!known) puts("what?");
  }
  return done();
}
