// libevent: on BEV_EVENT_EOF the callback forgets bufferevent_free().
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "corpus.h"

enum { kLeaks = 5, kHealthy = 3 };
static struct event_base* base;
static int ended;

NAMED static void on_event(struct bufferevent* connection, short what, void* unused) {
  (void)unused;
  if ((what & BEV_EVENT_EOF) == 0) return;
  if (ended >= kLeaks) bufferevent_free(connection);
  if (++ended == kLeaks + kHealthy) event_base_loopbreak(base);
}

NAMED static void on_accept(struct evconnlistener* listener, evutil_socket_t fd, struct sockaddr* address,
                            int size, void* unused) {
  (void)listener, (void)address, (void)size, (void)unused;
  struct bufferevent* connection = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(connection, NULL, NULL, on_event, NULL);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

int main(void) {
  base = event_base_new();
  const int listener = listen_at(AF_INET);
  no_block(listener);
  struct evconnlistener* events = evconnlistener_new(base, on_accept, NULL, 0, 0, listener);
  for (int i = 0; i < kLeaks + kHealthy; i++) visit(listener, "hello");
  event_base_dispatch(base);               // LEAK-OPEN LEAK-SEEN
  event_base_loop(base, EVLOOP_NONBLOCK);  // what was freed is closed by the next turn of the loop
  outlive_grace();
  (void)events;
  return done();
}
