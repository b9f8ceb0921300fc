// TLS over one thread: both ends on a connected pair of descriptors, the handshake stepped by turns.
#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "corpus.h"

HELPER void give_certificate(SSL_CTX* context) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             (const unsigned char*)"localhost", -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  require(X509_sign(certificate, key, EVP_sha256()) > 0, "X509_sign");
  require(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1,
          "certificate");
  X509_free(certificate);
  EVP_PKEY_free(key);
}

HELPER SSL_CTX* server_context(void) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  give_certificate(context);
  SSL_CTX_set_num_tickets(context, 0);
  return context;
}

HELPER SSL* on_socket(SSL_CTX* context, int fd) {
  SSL* ssl = SSL_new(context);
  // As a library would: the BIO does not own the descriptor.
  BIO* bio = BIO_new_socket(fd, BIO_NOCLOSE);
  SSL_set_bio(ssl, bio, bio);
  return ssl;
}

// Both sockets must not block.
HELPER void shake_hands(SSL* client, SSL* server) {
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  int a = 0, b = 0;
  for (int i = 0; i < 100000 && (a != 1 || b != 1); i++) {
    if (a != 1) a = SSL_do_handshake(client);
    if (b != 1) b = SSL_do_handshake(server);
  }
  require(a == 1 && b == 1, "handshake");
}
