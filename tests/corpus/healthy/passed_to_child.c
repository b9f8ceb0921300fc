// A socket goes to another process over SCM_RIGHTS; that one serves it, half-closed, for many graces.
#include "corpus.h"

enum { kSockets = 3 };

static void pass(int channel, int fd) {
  char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  require(sendmsg(channel, &message, 0) == 1, "sendmsg");
}

static int receive(int channel) {
  char byte, control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  require(recvmsg(channel, &message, 0) == 1, "recvmsg");
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static void serve(int channel) {
  int fds[kSockets];
  for (int i = 0; i < kSockets; i++) {
    fds[i] = receive(channel);
    read_to_end(fds[i]);
  }
  for (int round = 0; round < 45; round++) {
    for (int i = 0; i < kSockets; i++) say(fds[i], "answer");
    wait_ms(grace_ms() / 15);
  }
  for (int i = 0; i < kSockets; i++) close(fds[i]);
}

int main(void) {
  int channel[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == 0, "socketpair");
  const int listener = listen_at(AF_INET);
  const pid_t child = fork();
  if (child == 0) {
    close(channel[0]);
    close(listener);
    serve(channel[1]);
    close(channel[1]);
    exit(EXIT_SUCCESS);
  }
  close(channel[1]);
  int clients[kSockets];
  for (int i = 0; i < kSockets; i++) {
    clients[i] = dialled(listener);
    const int fd = taken(listener);
    pass(channel[0], fd);
    close(fd);
    shutdown(clients[i], SHUT_WR);
  }
  for (int i = 0; i < kSockets; i++) read_to_end(clients[i]);
  for (int i = 0; i < kSockets; i++) close(clients[i]);
  wait_for(child);
  read_to_end(channel[0]);
  close(channel[0]);
  outlive_grace();
  return done();
}
