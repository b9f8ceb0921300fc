// libuv: the read callback hears UV_EOF, stops reading, and forgets uv_close().
#include <uv.h>

#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };
static int ended;

static void allocate(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  (void)handle;
  *buffer = uv_buf_init((char*)malloc(size), (unsigned)size);
}

NAMED static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
  free(buffer->base);
  if (count >= 0) return;
  uv_read_stop(stream);
  if (ended >= kLeaks) uv_close((uv_handle_t*)stream, NULL);
  if (++ended == kLeaks + kHealthy) uv_stop(stream->loop);
}

NAMED static void on_connection(uv_stream_t* server, int status) {
  require(status == 0, "connection");
  uv_tcp_t* client = (uv_tcp_t*)malloc(sizeof *client);
  uv_tcp_init(server->loop, client);
  require(uv_accept(server, (uv_stream_t*)client) == 0, "uv_accept");
  uv_read_start((uv_stream_t*)client, allocate, on_read);
}

int main(void) {
  uv_tcp_t server;
  uv_tcp_init(uv_default_loop(), &server);
  const int listener = listen_at(AF_INET);
  require(uv_tcp_open(&server, listener) == 0, "uv_tcp_open");
  require(uv_listen((uv_stream_t*)&server, 64, on_connection) == 0, "uv_listen");
  for (int i = 0; i < kLeaks + kHealthy; i++) visit(listener, "hello");
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);  // LEAK-OPEN LEAK-SEEN
  outlive_grace();
  return done();
}
