// TLS over memory BIOs, as event loops do it: our own recv sees the end, the connection object is dropped.
#include "tls.h"

typedef struct {
  int fd;
  SSL* ssl;
  BIO *in, *out;
} Connection;

NAMED static int take_client(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static bool pull(Connection* c) {
  char text[4096];
  const ssize_t n = recv(c->fd, text, sizeof text, 0);  // LEAK-SEEN
  if (n <= 0) return false;
  BIO_write(c->in, text, (int)n);
  return true;
}

static void push(Connection* c) {
  char text[4096];
  for (int n = BIO_read(c->out, text, sizeof text); n > 0; n = BIO_read(c->out, text, sizeof text))
    require(send(c->fd, text, (size_t)n, MSG_NOSIGNAL) == n, "send");
}

static Connection on_memory(SSL_CTX* context, int fd) {
  Connection c = {fd, SSL_new(context), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
  SSL_set_bio(c.ssl, c.in, c.out);
  return c;
}

int main(void) {
  const int listener = listen_at(AF_INET);
  SSL_CTX *server_side = server_context(), *client_side = SSL_CTX_new(TLS_client_method());
  for (int i = 0; i < 6; i++) {
    Connection client = on_memory(client_side, dialled(listener));
    Connection server = on_memory(server_side, take_client(listener));
    SSL_set_connect_state(client.ssl);
    SSL_set_accept_state(server.ssl);
    SSL_do_handshake(client.ssl);
    push(&client);
    pull(&server);
    SSL_do_handshake(server.ssl);
    push(&server);
    pull(&client);
    require(SSL_do_handshake(client.ssl) == 1, "handshake");
    SSL_write(client.ssl, "hello", 5);
    SSL_shutdown(client.ssl);
    push(&client);
    close(client.fd);
    SSL_free(client.ssl);
    char text[16];
    while (pull(&server)) {
      SSL_read(server.ssl, text, sizeof text);
    }
    SSL_free(server.ssl);
    if (i >= 3) close(server.fd);
  }
  outlive_grace();
  SSL_CTX_free(server_side);
  SSL_CTX_free(client_side);
  close(listener);
  return done();
}
