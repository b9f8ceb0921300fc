// An HTTP/1.0 client reads the answer to its end and forgets the socket.
#include "corpus.h"

enum { kLeaks = 6, kHealthy = 4 };

NAMED static int open_connection(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  dial(fd, listener);
  return fd;
}

NAMED static void read_answer(int fd) {
  char body[256];
  while (recvfrom(fd, body, sizeof body, 0, NULL, NULL) > 0) continue;  // LEAK-SEEN
}

NAMED static void fetch(int listener, bool forget) {
  const int fd = open_connection(listener);
  say(fd, "GET / HTTP/1.0\r\n\r\n");
  const int server = taken(listener);
  expect(server, "GET / HTTP/1.0\r\n\r\n");
  say(server, "HTTP/1.0 200 OK\r\n\r\nhello");
  close(server);
  read_answer(fd);
  if (!forget) close(fd);
}

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  for (int i = 0; i < kLeaks + kHealthy; i++) fetch(listener, i < kLeaks);
  outlive_grace();
  return done();
}
