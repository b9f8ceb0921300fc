// TLS: the client leaves in the middle of the handshake; SSL_accept fails and the error path frees only the
// SSL.
#include "tls.h"

enum { kLeaks = 5 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static bool handshake(SSL* ssl) { return SSL_accept(ssl) == 1; }  // LEAK-SEEN

NAMED static void greet(SSL_CTX* context, int listener) {
  const int fd = take_client(listener);
  SSL* ssl = on_socket(context, fd);
  const bool good = handshake(ssl);
  SSL_free(ssl);
  if (good) close(fd);
}

int main(void) {
  const int listener = listen_at(AF_INET);
  SSL_CTX* context = server_context();
  for (int i = 0; i < kLeaks; i++) {
    visit(listener, "");
    greet(context, listener);
  }
  outlive_grace();
  return done();
}
