// Tells the number, or the errno, of every call that gives a descriptor, for ROUNDS rounds. One thread only:
// whatever else takes a number in this process shows.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "loopback.h"

static unsigned long long digest = 14695981039346656037ULL;
static int round_number;
static int held[64];
static int held_count;

// Each answer goes into the digest; those of the first and last rounds are told.
static int tell(const char* what, int answer, int told) {
  const int error = answer < 0 ? errno : 0;
  digest = (digest ^ (unsigned long long)(unsigned)(answer * 4096 + error)) * 1099511628211ULL;
  if (told) printf("%s %d %d\n", what, answer, error);
  if (answer >= 0 && held_count < 64) held[held_count++] = answer;
  return answer;
}
#define T(call) tell(#call, (call), told)

static void release_all(int told) {
  while (held_count > 0) {
    const int fd = held[--held_count];
    if (told) printf("close %d", fd);
    printf(told ? " %d\n" : "", close(fd));
  }
}

static int pass(int fd) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return -1;
  char byte = 'x';
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  require(sendmsg(pair[0], &message, 0) == 1 && recvmsg(pair[1], &message, 0) == 1, "pass");
  int got = -1;
  memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
  close(pair[0]);
  close(pair[1]);
  return got;
}

static void births(int listener, int told) {
  const int first = T(open("/dev/null", O_RDONLY));
  int pair[2] = {-1, -1};
  T(socket(AF_INET, SOCK_STREAM, 0));
  T(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  T(socket(AF_INET, SOCK_DGRAM, 0));
  T(socket(AF_UNIX, SOCK_STREAM, 0));
  T(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  held_count--;
  tell("pair 0", pair[0], told);
  tell("pair 1", pair[1], told);
  T(connect_to(listener));
  T(accept(listener, NULL, NULL));
  T(connect_to(listener));
  T(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
  T(dup(first));
  T(fcntl(first, F_DUPFD, 40));
  T(fcntl(first, F_DUPFD_CLOEXEC, 0));
  T(dup2(first, 50));
  T(dup3(first, 51, O_CLOEXEC));
  T(epoll_create1(0));
  T(eventfd(0, 0));
  T(timerfd_create(CLOCK_MONOTONIC, 0));
  T(memfd_create("trace", 0));
  T(inotify_init());
  T((int)syscall(SYS_pidfd_open, getpid(), 0));
  T(pass(first));
  T((int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}

static void errors(int told) {
  char byte;
  T(open("/nonexistent", O_RDONLY));
  T(socket(12345, SOCK_STREAM, 0));
  T(accept(0x7ffffff, NULL, NULL));
  T((int)recv(0x7ffffff, &byte, 1, 0));
  T((int)send(-1, "x", 1, 0));
  T((int)read(-1, &byte, 1));
  T(close(-1));
  T(close(0x7ffffff));
  T(dup(-1));
  T(dup2(-1, 5));
  T(dup3(3, 3, 0));
  T(shutdown(-1, SHUT_WR));
  T(fcntl(-1, F_DUPFD, 0));
  T(connect(-1, NULL, 0));
}

// All numbers in use: each call must say so, and none must be had.
static void exhaustion(int told) {
  int taken[256];
  int count = 0;
  while (count < 256 && (taken[count] = open("/dev/null", O_RDONLY)) >= 0) count++;
  tell("taken", count, told);
  held_count--;
  T(open("/dev/null", O_RDONLY));
  T(socket(AF_INET, SOCK_STREAM, 0));
  T(dup(0));
  while (count > 0) close(taken[--count]);
}

static void libc_inside(int told) {
  FILE* file = tmpfile();
  tell("tmpfile", fileno(file), told);
  held_count--;
  fclose(file);
  DIR* folder = opendir("/");
  tell("opendir", dirfd(folder), told);
  held_count--;
  closedir(folder);
  FILE* pipe = popen("true", "r");
  tell("popen", fileno(pipe), told);
  held_count--;
  tell("pclose", pclose(pipe), told);
  held_count--;
  struct addrinfo* found = NULL;
  tell("getaddrinfo", getaddrinfo("127.0.0.1", "80", NULL, &found), told);
  held_count--;
  freeaddrinfo(found);
}

static void in_child(int listener, int told) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    births(listener, told);
    fflush(stdout);
    _exit((int)(digest & 0x7f));
  }
  int status = 0;
  require(waitpid(child, &status, 0) == child, "waitpid");
  tell("child", WEXITSTATUS(status), told);
  held_count--;
}

NAMED static void leak(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 50;
  const struct rlimit limit = {128, 4096};
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  signal(SIGPIPE, SIG_IGN);
  const int listener = listen_any();
  for (round_number = 0; round_number < rounds; round_number++) {
    const int told = round_number == 0 || round_number == rounds - 1;
    if (round_number % 25 == 3) leak(listener);
    births(listener, told);
    errors(told);
    exhaustion(told);
    release_all(told);
    if (round_number % 16 == 0) {
      libc_inside(told);
      in_child(listener, told);
    }
    poll(NULL, 0, 2);
  }
  printf("digest %llx\n", digest);
  return done();
}
