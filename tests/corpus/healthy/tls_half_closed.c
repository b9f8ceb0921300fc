// TLS: the client has sent its close_notify and its FIN; the server goes on sending for many graces.
#include "tls.h"

int main(void) {
  const int listener = listen_at(AF_INET);
  SSL_CTX* client_side = SSL_CTX_new(TLS_client_method());
  SSL_CTX* server_side = server_context();
  const int far = dialled(listener), near = taken(listener);
  no_block(far);
  no_block(near);
  SSL* client = on_socket(client_side, far);
  SSL* server = on_socket(server_side, near);
  shake_hands(client, server);
  SSL_shutdown(client);
  shutdown(far, SHUT_WR);
  wait_for_end(near);
  char data[64];
  require(SSL_read(server, data, sizeof data) == 0, "close_notify");
  for (int i = 0; i < 45; i++) {
    require(SSL_write(server, "part of the answer", 18) == 18, "SSL_write");
    while (SSL_read(client, data, sizeof data) != 18) wait_ms(1);
    wait_ms(grace_ms() / 15);
  }
  SSL_shutdown(server);
  SSL_free(server);
  SSL_free(client);
  close(near);
  close(far);
  return done();
}
