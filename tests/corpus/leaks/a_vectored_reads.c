// The end is seen by readv, recvmsg and recvmmsg: three sighting sites of one open site.
#include <sys/uio.h>

#include "corpus.h"

enum { kEach = 3 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static ssize_t by_readv(int fd) {
  char a[4], b[4];
  const struct iovec parts[2] = {{a, sizeof a}, {b, sizeof b}};
  return readv(fd, parts, 2);  // LEAK-SEEN
}

NAMED static ssize_t by_recvmsg(int fd) {
  char data[16];
  struct iovec part = {data, sizeof data};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  return recvmsg(fd, &message, 0);  // LEAK-SEEN
}

NAMED static ssize_t by_recvmmsg(int fd) {
  char data[16];
  struct iovec part = {data, sizeof data};
  struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}, .msg_len = 0};
  require(recvmmsg(fd, &message, 1, 0, NULL) == 1, "recvmmsg");  // LEAK-SEEN
  return message.msg_len;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  ssize_t (*const ways[])(int) = {by_readv, by_recvmsg, by_recvmmsg};
  for (int i = 0; i < 3 * kEach; i++) {
    visit(listener, "some text for it");
    const int fd = take_client(listener);
    while (ways[i % 3](fd) > 0) continue;
  }
  outlive_grace();
  return done();
}
