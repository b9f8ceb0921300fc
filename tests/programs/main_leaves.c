// The main thread goes before the others: by pthread_exit, thrd_exit, or cancelled. The process ends with the
// last thread, whose handlers run as ever. One socket leaks.
#include <pthread.h>
#include <signal.h>
#include <threads.h>

#include "loopback.h"

static pthread_t main_thread;
static bool cancels;

static void say_goodbye(void) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  char room[512 * 1024];  // as much stack as a thread of the program has
  memset(room, 1, sizeof room);
  printf("goodbye %d %d\n", sigismember(&blocked, SIGTERM), room[sizeof room - 1]);
}

static void* work(void* unused) {
  const int listener = listen_any();
  const int client = connect_to(listener);
  const int served = accept_client(listener);
  close(client);
  char byte = 0;
  while (recv(served, &byte, 1, 0) > 0) continue;
  close(listener);
  if (cancels) {
    pthread_cancel(main_thread);
    pthread_join(main_thread, NULL);
  }
  usleep(50 * 1000);  // outlives main in any case
  printf("worked\n");
  return unused;
}

int main(int argc, char** argv) {
  main_thread = pthread_self();
  cancels = has_argument(argc, argv, "cancel");
  atexit(say_goodbye);
  pthread_t worker;
  require(pthread_create(&worker, NULL, work, NULL) == 0, "pthread_create");
  pthread_detach(worker);
  while (cancels) pause();
  if (has_argument(argc, argv, "thrd_exit")) thrd_exit(0);
  pthread_exit(NULL);
}
