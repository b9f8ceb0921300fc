// A leak for programs that have none: close() of a connection from 127.66.66.66 is forgotten. Loaded in front
// of socktrack, so that to socktrack it is the program that forgot.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

int close(int fd) {
  static int (*next)(int) = NULL;
  struct sockaddr_in peer = {.sin_family = AF_UNSPEC};
  socklen_t size = sizeof peer;
  if (getpeername(fd, (struct sockaddr*)&peer, &size) == 0 && peer.sin_family == AF_INET &&
      peer.sin_addr.s_addr == htonl(0x7f424242U)) {
    return 0;
  }
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "close");
  return next(fd);
}
