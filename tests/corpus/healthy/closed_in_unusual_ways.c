// Each socket has read its end, and each is closed in another way. After that all outlive the grace.
#include <signal.h>
#include <sys/syscall.h>

#include "corpus.h"

static int listener;
static int fd_of_signal;

static int ended(void) {
  visit(listener, "hello");
  const int fd = taken(listener);
  read_to_end(fd);
  return fd;
}

static void by_dup2(int fd) {
  const int null = open("/dev/null", O_RDWR);
  require(dup2(null, fd) == fd, "dup2");
  close(null);
}
static void by_dup3(int fd) {
  int pipes[2];
  require(pipe(pipes) == 0, "pipe");
  require(dup3(pipes[0], fd, O_CLOEXEC) == fd, "dup3");
}
static void by_close_range(int fd) {
  require(close_range((unsigned)fd, (unsigned)fd, 0) == 0, "close_range");
}
static void by_fclose(int fd) { fclose(fdopen(fd, "r+")); }
static void by_freopen(int fd) { require(freopen("/dev/null", "r", fdopen(fd, "r")) != NULL, "freopen"); }
static void by_syscall(int fd) { syscall(SYS_close, fd); }
static void by_raw_syscall(int fd) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_close), "D"(fd) : "rcx", "r11", "memory");
}
static void on_signal(int number) {
  (void)number;
  close(fd_of_signal);
}
static void by_handler(int fd) {
  fd_of_signal = fd;
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
}
static void by_pclose_like(int fd) {
  FILE* stream = fdopen(dup(fd), "w");
  close(fd);
  fclose(stream);
}
static void by_closefrom(int fd) {
  const int high = fcntl(fd, F_DUPFD, 900);
  close(fd);
  closefrom(high);
}

int main(int argc, char** argv) {
  listener = listen_at(family_named(argc, argv));
  void (*const ways[])(int) = {by_dup2,    by_dup3,        by_close_range, by_fclose,      by_freopen,
                               by_syscall, by_raw_syscall, by_handler,     by_pclose_like, by_closefrom};
  for (size_t i = 0; i < 2 * sizeof ways / sizeof *ways; i++) ways[i / 2](ended());
  outlive_grace();
  return done();
}
