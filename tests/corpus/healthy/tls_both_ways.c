// TLS, closed in order: both close_notify, both descriptors; and by BIO_CLOSE inside the library.
#include "tls.h"

enum { kPairs = 6 };

int main(void) {
  const int listener = listen_at(AF_INET);
  SSL_CTX* client_side = SSL_CTX_new(TLS_client_method());
  SSL_CTX* server_side = server_context();
  for (int i = 0; i < kPairs; i++) {
    const int far = dialled(listener), near = taken(listener);
    no_block(far);
    no_block(near);
    SSL* client = on_socket(client_side, far);
    SSL* server = SSL_new(server_side);
    BIO* bio = BIO_new_socket(near, i % 2 == 0 ? BIO_CLOSE : BIO_NOCLOSE);
    SSL_set_bio(server, bio, bio);
    shake_hands(client, server);
    SSL_shutdown(client);
    char data[8];
    wait_ms(1);
    while (SSL_read(server, data, sizeof data) > 0) continue;
    SSL_shutdown(server);
    SSL_free(server);
    if (i % 2 != 0) close(near);
    SSL_free(client);
    close(far);
  }
  outlive_grace();
  return done();
}
