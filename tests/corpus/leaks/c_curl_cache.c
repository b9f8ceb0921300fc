// libcurl keeps the connection of a finished transfer in the handle's cache; the server closes it.
#include <curl/curl.h>
#include <pthread.h>

#include "corpus.h"

enum { kHandles = 4 };
static int listener;
static int served[kHandles];

static void* serve(void* unused) {
  (void)unused;
  for (int i = 0; i < kHandles; i++) {
    const int fd = taken(listener);
    char request[1024];
    require(recv(fd, request, sizeof request, 0) > 0, "request");
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    served[i] = fd;
  }
  return NULL;
}

NAMED static CURL* fetch(const char* url) {
  CURL* handle = curl_easy_init();
  FILE* nowhere = fopen("/dev/null", "w");
  curl_easy_setopt(handle, CURLOPT_URL, url);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, nowhere);
  require(curl_easy_perform(handle) == CURLE_OK, "curl");  // LEAK-OPEN
  fclose(nowhere);
  return handle;  // no curl_easy_cleanup
}

int main(void) {
  listener = listen_at(AF_INET);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  pthread_t server;
  pthread_create(&server, NULL, serve, NULL);
  const Address address = address_of(listener);
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/",
           ntohs(((const struct sockaddr_in*)&address.name)->sin_port));
  unsetenv("http_proxy");
  for (int i = 0; i < kHandles; i++) fetch(url);
  pthread_join(server, NULL);
  for (int i = 0; i < kHandles; i++) close(served[i]);
  outlive_grace();
  return done();
}
