// TLS goodbye in both directions: we have said it and wait for long for the peer's, first in SSL_shutdown,
// and the peer answers late.
#include "tls.h"

int main(void) {
  const int listener = listen_at(AF_INET);
  SSL_CTX *server_side = server_context(), *client_side = SSL_CTX_new(TLS_client_method());
  SSL *clients[4], *servers[4];
  int client_fds[4], server_fds[4];
  for (int i = 0; i < 4; i++) {
    client_fds[i] = dialled(listener);
    server_fds[i] = taken(listener);
    no_block(client_fds[i]);
    no_block(server_fds[i]);
    clients[i] = on_socket(client_side, client_fds[i]);
    servers[i] = on_socket(server_side, server_fds[i]);
    shake_hands(clients[i], servers[i]);
    require(SSL_shutdown(clients[i]) == 0, "shutdown");
    if (i % 2 == 0) shutdown(client_fds[i], SHUT_WR);
  }
  outlive_grace();
  outlive_grace();
  for (int i = 0; i < 4; i++) {
    char text[8];
    while (SSL_read(servers[i], text, sizeof text) < 0 &&
           SSL_get_error(servers[i], -1) == SSL_ERROR_WANT_READ)
      wait_ms(1);
    SSL_shutdown(servers[i]);
    SSL_free(servers[i]);
    close(server_fds[i]);
    wait_for_end(client_fds[i]);
    SSL_shutdown(clients[i]);
    SSL_free(clients[i]);
    close(client_fds[i]);
  }
  SSL_CTX_free(server_side);
  SSL_CTX_free(client_side);
  close(listener);
  return done();
}
