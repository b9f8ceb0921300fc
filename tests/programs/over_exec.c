// over_exec NUMBER MODE: gets a socket under that number over exec, and uses it with read() alone.
//
//   read    to its end, and leaves it open at exit; stay: and goes on for a while; fgets: the same by stdio
//   close   to its end, and closes it
//   accept  it is the listener: accepts one connection, and forgets it after its end
//   cloexec it does not come along
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include "loopback.h"

// The client is closed by the exec: its end comes to whoever has the other.
static void put_under(int number, bool listener_itself, bool cloexec) {
  const struct rlimit many = {8192, 8192};
  require(number < 1024 || setrlimit(RLIMIT_NOFILE, &many) == 0, "setrlimit");
  const int listener = listen_any();
  const int client = connect_to(listener);
  const int served = listener_itself ? listener : accept_client(listener);
  require(dup2(served, number) == number, "dup2");
  if (number == 0) require(dup2(served, 1) == 1, "dup2");
  for (int fd = 3; fd < 64; fd++) {
    if (fd != number) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  (void)client;
  require(!cloexec || fcntl(number, F_SETFD, FD_CLOEXEC) == 0, "fcntl");
}

NAMED static void read_all(int fd) {
  char byte = 0;
  while (read(fd, &byte, 1) > 0) continue;
}

static int use(int number, const char* mode) {
  if (strcmp(mode, "cloexec") == 0) {
    errno = 0;
    return fcntl(number, F_GETFD) == -1 && errno == EBADF ? 0 : 1;
  }
  char line[8];
  const int fd = strcmp(mode, "accept") == 0 ? accept_client(number) : number;
  if (strcmp(mode, "fgets") == 0) {
    while (fgets(line, sizeof line, stdin) != NULL) continue;
  } else {
    read_all(fd);
  }
  if (strcmp(mode, "close") == 0) close(fd);
  if (strcmp(mode, "stay") == 0 || strcmp(mode, "fgets") == 0) poll(NULL, 0, 1500);
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 4) return use(atoi(argv[1]), argv[2]);
  require(argc == 3, "usage");
  put_under(atoi(argv[1]), strcmp(argv[2], "accept") == 0, strcmp(argv[2], "cloexec") == 0);
  execl("/proc/self/exe", argv[0], argv[1], argv[2], "again", (char*)NULL);
  return 1;
}
