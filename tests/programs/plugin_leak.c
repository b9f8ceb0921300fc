// Loads the plugin it is given, lets it leak a socket, and unloads it, three times over. With "deepbind" the
// plugin is loaded so, once, and nobody else opens a socket.
#include <dlfcn.h>

#include "loopback.h"

static void let_plugin_leak(const char* path, int flags, const char* function, int listener) {
  void* plugin = dlopen(path, RTLD_NOW | flags);
  require(plugin != NULL, "dlopen");
  void (*leak)(int);
  *(void**)&leak = dlsym(plugin, function);
  require(leak != NULL, "dlsym");
  leak(listener);
  require(dlclose(plugin) == 0, "dlclose");
}

int main(int argc, char** argv) {
  require(argc > 1, "usage: plugin_leak PLUGIN");
  if (has_argument(argc, argv, "deepbind")) {
    let_plugin_leak(argv[1], RTLD_DEEPBIND, "leak_alone", -1);
    return done();
  }
  const int listener = listen_any();
  for (int i = 0; i < 3; i++) let_plugin_leak(argv[1], 0, "leak_in_plugin", listener);
  return done();
}
