// gone_caller PLUGIN [in_handler]: the plugin calls exit(5), a handler of exit unloads it, and sockets are
// closed while its frame is still on the stack, as Apache does with the module its workers run in.
// in_handler: closed by a handler of a signal.
#include <dlfcn.h>
#include <signal.h>

#include "loopback.h"

static void* plugin;
static int kept[2];
static bool in_handler;

static void close_kept(int signal) {
  (void)signal;
  for (int i = 0; i < 2; i++) close(kept[i]);
}

static void at_the_end(void) {
  require(dlclose(plugin) == 0, "dlclose");
  if (in_handler) {
    raise(SIGUSR1);
  } else {
    close_kept(0);
  }
  puts("closed");
}

int main(int argc, char** argv) {
  require(argc > 1, "usage: gone_caller PLUGIN [in_handler]");
  in_handler = has_argument(argc, argv, "in_handler");
  require(signal(SIGUSR1, close_kept) != SIG_ERR && atexit(at_the_end) == 0, "atexit");
  const int listener = listen_any();
  kept[0] = connect_to(listener);
  kept[1] = accept_client(listener);
  plugin = dlopen(argv[1], RTLD_NOW);
  require(plugin != NULL, "dlopen");
  void (*leak)(int);
  *(void**)&leak = dlsym(plugin, "leak_in_plugin");
  require(leak != NULL, "dlsym");
  leak(listener);
  void (*leave)(int);
  *(void**)&leave = dlsym(plugin, "leave_from_plugin");
  require(leave != NULL, "dlsym");
  leave(5);
}
