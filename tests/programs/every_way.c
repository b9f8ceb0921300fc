// every_way END: leaks a socket, makes one call of each kind that a hook stands before, and ends by exit,
// _exit, quick_exit, pthread_exit or exec. It makes no call that filters.h does not allow a launcher's
// program.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "filters.h"
#include "loopback.h"

static void leak(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
}

static void copies_and_streams(int listener) {
  const int one = connect_to(listener);
  const int other = accept_client(listener);
  const int copy = dup(one);
  require(dup2(one, copy) == copy, "dup2");
  FILE* stream = fdopen(copy, "w");
  require(stream != NULL && fclose(stream) == 0, "fclose");
  require(shutdown(one, SHUT_WR) == 0, "shutdown");
  read_to_end(other);
  require(syscall(SYS_close, other) == 0, "SYS_close");
  close(one);
}

static void messages(void) {
  int pair[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  char byte = 'x';
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  require(sendmsg(pair[0], &message, MSG_NOSIGNAL) == 1, "sendmsg");
  require(recvmsg(pair[1], &message, 0) == 1, "recvmsg");
  close(pair[1]);
  require(send(pair[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "EPIPE");
  require(recv(pair[0], &byte, 1, 0) == 0, "the end");
  close(pair[0]);
}

static void watching(int listener) {
  const int set = epoll_create1(0);
  const int client = connect_to(listener);
  struct epoll_event event = {.events = EPOLLOUT, .data.fd = client};
  require(epoll_ctl(set, EPOLL_CTL_ADD, client, &event) == 0, "epoll_ctl");
  require(epoll_wait(set, &event, 1, -1) == 1, "epoll_wait");
  close(client);
  close(accept_client(listener));
  close(set);
}

static void* in_thread(void* listener) {
  close(connect_to(*(int*)listener));
  close(accept_client(*(int*)listener));
  pthread_exit(NULL);
}

static void children(int listener) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    leak(listener);
    _exit(3);
  }
  require(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3, "fork");
  child = vfork();
  if (child == 0) {
    close(listener);
    execl("/", "/", NULL);
    _exit(4);
  }
  require(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 4, "vfork");
  pthread_t thread;
  require(pthread_create(&thread, NULL, in_thread, &listener) == 0, "pthread_create");
  require(pthread_join(thread, NULL) == 0, "pthread_join");
}

static void plugin(void) {
  void* library = dlopen("libutil.so.1", RTLD_NOW | RTLD_DEEPBIND);
  if (library != NULL) dlclose(library);
}

int main(int argc, char** argv) {
  require(argc > 1, "usage: every_way END");
  const int listener = listen_any();
  leak(listener);
  copies_and_streams(listener);
  messages();
  watching(listener);
  children(listener);
  plugin();
  puts(argv[1]);
  fflush(stdout);
  if (strcmp(argv[1], "exec") == 0) execl(argv[0], argv[0], "exit", NULL);
  if (strcmp(argv[1], "_exit") == 0) _exit(5);
  if (strcmp(argv[1], "quick_exit") == 0) quick_exit(5);
  if (strcmp(argv[1], "pthread_exit") == 0) pthread_exit(NULL);
  return 5;
}
