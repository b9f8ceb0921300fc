// The library of plugin_leak: leaks one socket.
#include "loopback.h"

NAMED void leak_in_plugin(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
}

// ... and opens the listener for it, so that the program has no socket.
void leak_alone(int unused) {
  (void)unused;
  const int listener = listen_any();
  leak_in_plugin(listener);
  close(listener);
}

void leave_from_plugin(int status) { exit(status); }

// So that it passes for a runtime of Python, whose end is asked for.
int Py_IsFinalizing(void) { return 0; }
