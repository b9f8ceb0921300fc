// The dispatcher hands connections to a worker over SCM_RIGHTS and closes its own; the worker forgets them.
#include "corpus.h"

static void send_job(int channel, int fd) {
  char byte = 'j', room[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  require(sendmsg(channel, &message, 0) == 1, "sendmsg");
}

NAMED static int receive_job(int channel) {
  int fd = -1;
  char byte, room[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0) return -1;  // LEAK-OPEN
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

NAMED static void work(int fd) {
  char request[64];
  ssize_t n;
  do {
    n = recv(fd, request, sizeof request, 0);  // LEAK-SEEN
  } while (n > 0);
}

static int worker(int channel) {
  for (int i = 0;; i++) {
    const int fd = receive_job(channel);
    if (fd < 0) break;
    work(fd);
    if (i % 3 != 0) close(fd);
  }
  outlive_grace();
  return EXIT_SUCCESS;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  int channel[2];
  require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == 0, "socketpair");
  const pid_t child = fork();
  if (child == 0) {
    close(channel[0]);
    close(listener);
    return worker(channel[1]);
  }
  close(channel[1]);
  for (int i = 0; i < 12; i++) {
    visit(listener, "work");
    const int fd = taken(listener);
    send_job(channel[0], fd);
    close(fd);
  }
  close(channel[0]);
  wait_for(child);
  close(listener);
  return done();
}
