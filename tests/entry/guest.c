// A plugin that opens a socket. Built twice, same layout: loaded in turn they lie at the same address.
#include <sys/socket.h>

int open_socket(void) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return fd + (fd < 0 ? WHO : 0);
}
