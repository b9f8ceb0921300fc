// The status line is read, the body is not, and the answer is not closed (gorouter, vert.x).
#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };

NAMED static int send_request(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  dial(fd, listener);
  return fd;
}

NAMED static void read_status(int fd) { expect(fd, "HTTP/1.1 500 Oops\r\n"); }

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int fd = send_request(listener);
    const int server = taken(listener);
    say(server, "HTTP/1.1 500 Oops\r\nContent-Length: 19\r\n\r\nnobody reads this..");
    close(server);
    read_status(fd);
    if (i >= kLeaks) close(fd);
  }
  outlive_grace();
  return done();
}
