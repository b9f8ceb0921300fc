// GnuTLS says the end, the session is freed, the socket is not closed.
#include <gnutls/gnutls.h>
#include <pthread.h>

#include "corpus.h"

static gnutls_anon_server_credentials_t g_server;
static gnutls_anon_client_credentials_t g_client;
static const char kPriority[] = "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2:+ANON-ECDH";

static void* client(void* at) {
  const int listener = *(const int*)at;
  for (int i = 0; i < 8; i++) {
    const int fd = dialled(listener);
    gnutls_session_t session;
    gnutls_init(&session, GNUTLS_CLIENT);
    gnutls_priority_set_direct(session, kPriority, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_ANON, g_client);
    gnutls_transport_set_int(session, fd);
    require(gnutls_handshake(session) == 0, "handshake");
    gnutls_record_send(session, "hello", 5);
    if (i % 2 == 0) gnutls_bye(session, GNUTLS_SHUT_WR);
    close(fd);
    gnutls_deinit(session);
  }
  return NULL;
}

NAMED static int take_client(int listener) {
  return accept(listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static void serve(gnutls_session_t session) {
  char text[64];
  while (gnutls_record_recv(session, text, sizeof text) > 0) continue;  // LEAK-SEEN
}

int main(void) {
  int listener = listen_at(AF_INET);
  gnutls_anon_allocate_server_credentials(&g_server);
  gnutls_anon_allocate_client_credentials(&g_client);
  pthread_t thread;
  require(pthread_create(&thread, NULL, client, &listener) == 0, "thread");
  for (int i = 0; i < 8; i++) {
    const int fd = take_client(listener);
    gnutls_session_t session;
    gnutls_init(&session, GNUTLS_SERVER);
    gnutls_priority_set_direct(session, kPriority, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_ANON, g_server);
    gnutls_transport_set_int(session, fd);
    require(gnutls_handshake(session) == 0, "handshake");
    serve(session);
    gnutls_deinit(session);
    if (i >= 4) close(fd);
  }
  pthread_join(thread, NULL);
  outlive_grace();
  close(listener);
  return done();
}
