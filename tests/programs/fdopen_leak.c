// Sockets read through stdio, where no hook sees the end of stream: 4 streams are never closed, 3 are.
// With "fixed" all of them are.
#include "loopback.h"

enum { kLeaks = 4, kHealthy = 3 };

NAMED static FILE* open_stream(int fd) {
  FILE* stream = fdopen(fd, "r");
  require(stream != NULL, "fdopen");
  return stream;
}

NAMED static void read_stream(FILE* stream) {
  char line[64];
  int lines = 0;
  while (fgets(line, sizeof line, stream)) lines++;
  require(lines == 2 && feof(stream), "two lines and the end");
}

int main(int argc, char** argv) {
  const bool fixed = has_argument(argc, argv, "fixed");
  const int listener = listen_any();
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    const int client = connect_to(listener);
    say(client, "one\ntwo\n");
    close(client);
    FILE* stream = open_stream(accept_client(listener));
    read_stream(stream);
    if (fixed || i >= kLeaks) fclose(stream);
  }
  close(listener);
  return done();
}
