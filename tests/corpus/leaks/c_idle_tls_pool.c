// Idle TLS connections: what lies unread is the server's close_notify and its FIN, which is no data.
#include "tls.h"

enum { kPool = 4 };

NAMED static int open_link(int listener) {
  const int fd = new_socket_for(listener);  // LEAK-OPEN
  dial(fd, listener);
  return fd;
}

int main(int argc, char** argv) {
  const int listener = listen_at(AF_INET);
  SSL_CTX* client_side = SSL_CTX_new(TLS_client_method());
  SSL_CTX* server_side = server_context();
  if (has_argument(argc, argv, "tls1.2")) SSL_CTX_set_max_proto_version(client_side, TLS1_2_VERSION);
  for (int i = 0; i < kPool; i++) {
    const int fd = open_link(listener);
    const int far = taken(listener);
    no_block(fd);
    no_block(far);
    SSL* client = on_socket(client_side, fd);
    SSL* server = on_socket(server_side, far);
    shake_hands(client, server);
    char answer[8];
    require(SSL_write(server, "hello", 5) == 5, "SSL_write");
    while (SSL_read(client, answer, 5) != 5) wait_ms(1);
    SSL_shutdown(server);
    SSL_free(server);
    close(far);
  }
  outlive_grace();
  return done();
}
