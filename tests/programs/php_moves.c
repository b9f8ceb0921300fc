// php_moves LIBRARY: loads the engine, lets its script leak a socket and unloads it, five times over; each
// time it comes to another place, as Apache's modules do when it reads its configuration anew. The last time
// it comes back to the fourth.
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include "loopback.h"

// Where the library was, for who comes next to lie elsewhere.
static void* occupy(void* base) {
  void* taken = mmap(base, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  require(taken == base, "mmap");
  return taken;
}

static void* run_script(const char* path, int listener) {
  void* engine = dlopen(path, RTLD_NOW);
  require(engine != NULL, "dlopen");
  struct link_map* map;
  require(dlinfo(engine, RTLD_DI_LINKMAP, &map) == 0, "dlinfo");
  void* base = (void*)map->l_addr;
  void (*execute)(int);
  *(void**)&execute = dlsym(engine, "execute_ex");
  require(execute != NULL, "dlsym");
  execute(listener);
  require(dlclose(engine) == 0, "dlclose");
  return base;
}

int main(int argc, char** argv) {
  require(argc > 1, "usage: php_moves LIBRARY");
  const int listener = listen_any();
  void* before = NULL;
  for (int i = 0; i < 4; i++) {
    void* base = run_script(argv[1], listener);
    require(base != before, "it came back to the same place");
    before = base;
    if (i < 3) occupy(base);
  }
  require(run_script(argv[1], listener) == before, "it did not come back to the same place");
  return done();
}
