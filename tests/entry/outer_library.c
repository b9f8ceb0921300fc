/* Preloaded behind libsocktrack.so, so that it is initialised before it and finished after it: its calls
 * reach hooks that are not resolved yet, and hooks whose library has said goodbye. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int works(void) {
  int pair[2];
  char byte = 0;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 0;
  const int stream = socket(AF_INET, SOCK_STREAM, 0);
  const int copy = dup(stream);
  int fine = stream >= 0 && copy >= 0 && send(pair[0], "x", 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1 &&
             byte == 'x';
  fine = fine && write(pair[0], "yz", 2) == 2 && read(pair[1], &byte, 1) == 1 && byte == 'y';
  fine = fine && shutdown(pair[0], SHUT_WR) == 0 && close(copy) == 0 && close(stream) == 0 &&
         close(stream) == -1;
  FILE* file = fdopen(pair[1], "r");
  fine = fine && file != NULL && fgetc(file) == 'z' && fgetc(file) == EOF && fclose(file) == 0;
  return fine && close(pair[0]) == 0;
}

static void say(const char* text) {
  if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(9);
}

__attribute__((constructor)) static void before(void) {
  say(works() ? "outer: before ok\n" : "outer: before FAILED\n");
}
__attribute__((destructor)) static void after(void) {
  say(works() ? "outer: after ok\n" : "outer: after FAILED\n");
}
