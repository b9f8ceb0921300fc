// Sockets passed to a forked worker over SCM_RIGHTS: the parent accepts and closes its copy, the worker
// reads to the end and closes. With "leak" the worker forgets 3 of the 7.
#include <sys/wait.h>

#include "loopback.h"

enum { kLeaks = 3, kHealthy = 4 };

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message_in(union control* control, struct iovec* data) {
  memset(control, 0, sizeof *control);
  return (struct msghdr){.msg_iov = data,
                         .msg_iovlen = 1,
                         .msg_control = control->space,
                         .msg_controllen = sizeof control->space};
}

NAMED static void pass(int channel, int fd) {
  char byte = '!';
  struct iovec data = {&byte, 1};
  union control control;
  struct msghdr message = message_in(&control, &data);
  struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  require(sendmsg(channel, &message, 0) == 1, "sendmsg");
}

NAMED static int receive_socket(int channel) {
  char byte;
  struct iovec data = {&byte, 1};
  union control control;
  struct msghdr message = message_in(&control, &data);
  require(recvmsg(channel, &message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
  int fd = -1;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static void be_worker(int channel, bool leak) {
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int fd = receive_socket(channel);
    read_to_end(fd);
    if (!leak || i >= kLeaks) close(fd);
  }
}

int main(int argc, char** argv) {
  int channel[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == 0, "socketpair");
  const pid_t worker = fork();
  require(worker >= 0, "fork");
  if (worker == 0) {
    close(channel[0]);
    be_worker(channel[1], has_argument(argc, argv, "leak"));
    close(channel[1]);
    exit(0);
  }
  close(channel[1]);
  const int listener = listen_any();
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int client = connect_to(listener);
    const int server = accept_client(listener);
    pass(channel[0], server);
    close(server);
    close(client);
  }
  int status = 0;
  require(waitpid(worker, &status, 0) == worker && status == 0, "worker");
  close(channel[0]);
  close(listener);
  return done();
}
