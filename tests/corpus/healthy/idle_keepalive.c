// Connections that are open on both sides and idle for many graces, and the program ends with them open.
#include "corpus.h"

enum { kLinks = 10 };

int main(int argc, char** argv) {
  const int listener = listen_at(family_named(argc, argv));
  for (int i = 0; i < kLinks; i++) {
    const int client = dialled(listener);
    const int server = taken(listener);
    say(client, "GET / HTTP/1.1\r\n\r\n");
    expect(server, "GET / HTTP/1.1\r\n\r\n");
  }
  outlive_grace();
  return done();
}
