#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  puts(fd >= 0 && close(fd) == 0 ? "host ok" : "host FAILED");
  fflush(stdout);
  return 0;
}
