// A library that holds its lock while it waits for the peer, as client libraries do.
#include <pthread.h>
#include <sys/socket.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

long locked_recv(int fd) {
  char byte;
  pthread_mutex_lock(&lock);
  const long n = recv(fd, &byte, 1, 0);
  pthread_mutex_unlock(&lock);
  return n;
}

void take_lock(void) {
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
}
