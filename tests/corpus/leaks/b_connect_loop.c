// The loop around getaddrinfo as many write it: the address that did not answer leaves its socket behind.
#include <netdb.h>

#include "corpus.h"

NAMED static int try_address(const struct sockaddr* name, socklen_t size) {
  const int fd = socket(name->sa_family, SOCK_STREAM, 0);  // LEAK-OPEN
  if (fd < 0) return -1;
  if (connect(fd, name, size) < 0) return -1;  // LEAK-SEEN
  return fd;
}

static int connect_by_name(const char* const* hosts, const char* port) {
  for (; *hosts != NULL; hosts++) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo* list;
    if (getaddrinfo(*hosts, port, &hints, &list) != 0) continue;
    for (struct addrinfo* each = list; each != NULL; each = each->ai_next) {
      const int fd = try_address(each->ai_addr, each->ai_addrlen);
      if (fd < 0) continue;
      freeaddrinfo(list);
      return fd;
    }
    freeaddrinfo(list);
  }
  return -1;
}

int main(void) {
  const int listener = listen_at(AF_INET);  // not on ::1
  char port[8];
  const Address here = address_of(listener);
  snprintf(port, sizeof port, "%d", ntohs(((const struct sockaddr_in*)&here.name)->sin_port));
  static const char* const hosts[] = {"::1", "127.0.0.1", NULL};
  for (int i = 0; i < 6; i++) {
    const int fd = connect_by_name(hosts, port);
    require(fd >= 0, "connect");
    close(taken(listener));
    read_to_end(fd);
    close(fd);
  }
  outlive_grace();
  close(listener);
  return done();
}
