// FILEs over sockets: read to the end, idle, and closed by fclose in the usual pair of dups.
#include "corpus.h"

enum { kLinks = 5 };

int main(void) {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLinks; i++) {
    const int client = dialled(listener);
    const int server = taken(listener);
    FILE* in = fdopen(server, "r");
    FILE* out = fdopen(dup(server), "w");
    say(client, "a line\n");
    char line[64];
    require(fgets(line, sizeof line, in) != NULL, "fgets");
    fputs("an answer\n", out);
    fflush(out);
    expect(client, "an answer\n");
    if (i % 2 == 0) close(client);
    if (i % 2 == 0) require(fgets(line, sizeof line, in) == NULL, "end");
    fclose(in);
    fclose(out);
    if (i % 2 != 0) close(client);
  }
  outlive_grace();
  return done();
}
