// storm MODE N: many threads or children at once; leaks exactly 7 sockets and closes every other one.
//   threads   64 threads open, duplicate and close, N rounds each
//   forks     N forks (vforks: N vforks) while 8 threads open and close
//   few       RLIMIT_NOFILE 16: N rounds of running out of numbers
//   space     RLIMIT_AS 48 MiB above what is in use
//   full      comes to life anew (mode `beyond`) with 300 connections under numbers above its limit, which is
//             what the table is made for; N rounds of work on them while 8 threads go on below
//   filled    says "ready" and goes on as `threads` when it is told to
//   endless   as `threads`, until killed
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "loopback.h"

enum { kLeaks = 7 };

static atomic_bool over;
static atomic_long cycles;

NAMED static int serve_one(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
  return server;
}

static void one_cycle(int listener) {
  const int server = serve_one(listener);
  const int copy = dup(server);
  close(server);
  if (copy >= 0) close(copy);
  atomic_fetch_add(&cycles, 1);
}

static void* work(void* argument) {
  const int listener = listen_any();
  for (long left = (long)argument; left != 0 && !atomic_load(&over); left--) one_cycle(listener);
  close(listener);
  return NULL;
}

static void with_threads(int count, long rounds, pthread_t* threads) {
  for (int i = 0; i < count; i++)
    require(pthread_create(&threads[i], NULL, work, (void*)rounds) == 0, "pthread_create");
}

static void join(int count, pthread_t* threads) {
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

// The child shares our memory, not our descriptors: what it closes stays open here.
NAMED static pid_t vfork_one(void) {
  const pid_t child = vfork();
  if (child == 0) {
    close_range(3, 63, 0);
    _exit(0);
  }
  return child;
}

NAMED static pid_t fork_one(void) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child;
}

static void spawn(long count, int by_vfork) {
  for (long i = 0; i < count; i++) {
    const pid_t child = by_vfork ? vfork_one() : fork_one();
    require(child > 0 && waitpid(child, NULL, 0) == child, "child");
  }
}

static void run_dry(long rounds) {
  const struct rlimit limit = {16, 16};
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  for (long i = 0; i < rounds; i++) {
    int taken[32];
    int count = 0;
    while (count < 32 && (taken[count] = socket(AF_INET, SOCK_STREAM, 0)) >= 0) count++;
    while (count > 0) close(taken[--count]);
  }
}

enum { kSlots = 64, kFirst = 400, kEnd = 1000 };  // numbers

static int moved(int fd, int target) {
  require(dup2(fd, target) == target, "dup2");
  close(fd);
  return target;
}

// Both ends of connections under high numbers, then a limit far below them: what is open stays open.
static void begin_beyond(char** argv) {
  struct rlimit limit;
  require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  if (limit.rlim_cur < 1024) limit.rlim_cur = limit.rlim_max < 1024 ? limit.rlim_max : 1024;
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  const int listener = listen_any();
  for (int fd = kFirst; fd < kEnd; fd += 2) {
    moved(connect_to(listener), fd);
    moved(accept_client(listener), fd + 1);
  }
  close(listener);
  const struct rlimit low = {kSlots, kSlots};
  require(setrlimit(RLIMIT_NOFILE, &low) == 0, "setrlimit");
  char* again[] = {argv[0], (char*)"beyond", argv[2], NULL};
  execv("/proc/self/exe", again);
  require(false, "exec");
}

// Everything that a program does with a connection has the answers it must have.
static void work_beyond(long rounds) {
  for (long i = 0; i < rounds; i++) {
    for (int fd = kFirst; fd < kEnd; fd += 2) {
      say(fd, "ping");
      expect(fd + 1, "ping");
      const int copy = dup(fd + 1);
      require(copy >= 0 && copy < kSlots, "dup");
      say(copy, "pong");
      expect(fd, "pong");
      require(close(copy) == 0, "close");
      char byte;
      require(recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "recv");
    }
  }
}

static void end_beyond(void) {
  for (int fd = kFirst; fd < kEnd; fd += 2) {
    require(close(fd) == 0, "close");
    read_to_end(fd + 1);
    require(close(fd + 1) == 0, "close");
    require(close(fd + 1) == -1 && errno == EBADF, "close");
  }
}

static long address_space(void) {
  long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  require(file && fscanf(file, "%ld", &pages) == 1, "statm");
  fclose(file);
  return pages * 4096;
}

int main(int argc, char** argv) {
  require(argc == 3, "usage: storm MODE N");
  const char* mode = argv[1];
  const long count = atol(argv[2]);
  pthread_t threads[64];
  if (strcmp(mode, "full") == 0) begin_beyond(argv);
  if (strcmp(mode, "space") == 0) {
    const rlim_t most = (rlim_t)address_space() + (48UL << 20U);
    const struct rlimit limit = {most, most};
    require(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
  }
  const int listener = listen_any();
  for (int i = 0; i < kLeaks; i++) serve_one(listener);
  if (mode[0] == 'e' || strcmp(mode, "filled") == 0) {
    puts("ready");
    fflush(stdout);
    if (mode[0] == 'f') getchar();
  }
  if (strcmp(mode, "threads") == 0 || strcmp(mode, "endless") == 0 || strcmp(mode, "filled") == 0) {
    with_threads(64, mode[0] == 'e' ? -1 : count, threads);
    join(64, threads);
  } else if (strcmp(mode, "forks") == 0 || strcmp(mode, "vforks") == 0) {
    with_threads(8, -1, threads);
    spawn(count, mode[0] == 'v');
    atomic_store(&over, true);
    join(8, threads);
  } else if (strcmp(mode, "few") == 0) {
    run_dry(count);
  } else if (strcmp(mode, "beyond") == 0) {
    with_threads(8, -1, threads);
    work_beyond(count);
    end_beyond();
    atomic_store(&over, true);
    join(8, threads);
  } else {
    for (long i = 0; i < count; i++) one_cycle(listener);
  }
  printf("cycles %ld\n", atomic_load(&cycles));
  return done();
}
