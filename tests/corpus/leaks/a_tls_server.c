// A TLS server: SSL_read says that the peer is gone, SSL_free follows, and nobody closes the descriptor.
#include "tls.h"

enum { kLeaks = 4, kHealthy = 3 };

NAMED static int take_client(int listener) { return accept(listener, NULL, NULL); }  // LEAK-OPEN

NAMED static void read_requests(SSL* ssl) {
  char request[64];
  while (SSL_read(ssl, request, sizeof request) > 0) continue;  // LEAK-SEEN
}

NAMED static void serve(SSL_CTX* client_side, SSL_CTX* server_side, int listener, bool forget) {
  const int far = dialled(listener);
  const int fd = take_client(listener);
  no_block(far);
  no_block(fd);
  SSL* client = on_socket(client_side, far);
  SSL* ssl = on_socket(server_side, fd);
  shake_hands(client, ssl);
  require(SSL_write(client, "hello", 5) == 5, "SSL_write");
  SSL_free(client);  // no close_notify: the client just goes
  close(far);
  wait_for_end(fd);
  read_requests(ssl);
  SSL_free(ssl);
  if (!forget) close(fd);
}

int main(void) {
  const int listener = listen_at(AF_INET);
  SSL_CTX* client_side = SSL_CTX_new(TLS_client_method());
  SSL_CTX* server_side = server_context();
  for (int i = 0; i < kLeaks + kHealthy; i++) serve(client_side, server_side, listener, i < kLeaks);
  outlive_grace();
  return done();
}
