// 6 sockets at their end, closed in one call: "close_range", "closefrom" or "syscall". With "cloexec"
// close_range() only marks them: they stay open, 6 leaks.
#include <linux/close_range.h>
#include <sys/syscall.h>

#include "loopback.h"

enum { kSockets = 6 };

NAMED static void close_all(const char* how, int first, int last) {
  if (strcmp(how, "closefrom") == 0) {
    closefrom(first);
    return;
  }
  const unsigned from = (unsigned)first;
  const unsigned to = (unsigned)last;
  if (strcmp(how, "syscall") == 0) {
    require(syscall(SYS_close_range, from, to, 0) == 0, how);
    return;
  }
  const int flags = strcmp(how, "cloexec") == 0 ? CLOSE_RANGE_CLOEXEC : 0;
  require(close_range(from, to, flags) == 0, how);
}

int main(int argc, char** argv) {
  require(argc == 2, "usage: close_many close_range|closefrom|syscall|cloexec");
  const int listener = listen_any();
  int clients[kSockets];
  int servers[kSockets];
  for (int i = 0; i < kSockets; i++) clients[i] = connect_to(listener);
  for (int i = 0; i < kSockets; i++) servers[i] = accept_client(listener);
  for (int i = 0; i < kSockets; i++) {
    close(clients[i]);
    read_to_end(servers[i]);
  }
  close_all(argv[1], servers[0], servers[kSockets - 1]);
  return done();
}
