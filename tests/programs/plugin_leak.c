// Loads the plugin it is given, lets it leak a socket, and unloads it, three times over.
#include <dlfcn.h>

#include "loopback.h"

static void let_plugin_leak(const char* path, int listener) {
  void* plugin = dlopen(path, RTLD_NOW);
  require(plugin != NULL, "dlopen");
  void (*leak)(int);
  *(void**)&leak = dlsym(plugin, "leak_in_plugin");
  require(leak != NULL, "dlsym");
  leak(listener);
  require(dlclose(plugin) == 0, "dlclose");
}

int main(int argc, char** argv) {
  require(argc > 1, "usage: plugin_leak PLUGIN");
  const int listener = listen_any();
  for (int i = 0; i < 3; i++) let_plugin_leak(argv[1], listener);
  return done();
}
