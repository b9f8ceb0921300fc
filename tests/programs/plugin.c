// The library of plugin_leak: leaks one socket.
#include "loopback.h"

NAMED void leak_in_plugin(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
}
