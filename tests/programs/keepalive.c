// As libkeepalive: in front of socket(), it turns SO_KEEPALIVE on for each one.
#include <dlfcn.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol) {
  static int (*next)(int, int, int);
  if (!next) *(void**)&next = dlsym(RTLD_NEXT, "socket");
  const int fd = next(domain, type, protocol);
  const int on = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return fd;
}
