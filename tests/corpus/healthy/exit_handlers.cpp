// Closed in every late way: atexit, static destructor, thread-local destructor of a thread that ends late,
// and by quick_exit's handlers.
#include <thread>
#include <vector>

#include "corpus.h"

struct Owner {
  std::vector<int> fds;
  ~Owner() {
    for (const int fd : fds) close(fd);
  }
};
static Owner g_static;
static int g_by_handler[3];

int main() {
  const int listener = listen_at(AF_INET);
  const auto ended = [&] {
    visit(listener, "x");
    const int fd = taken(listener);
    read_to_end(fd);
    return fd;
  };
  std::thread late([&] {
    thread_local Owner own;
    for (int i = 0; i < 3; i++) own.fds.push_back(ended());
    outlive_grace();
  });
  late.join();
  for (int i = 0; i < 3; i++) g_by_handler[i] = ended();
  std::at_quick_exit([] {
    for (const int fd : g_by_handler) close(fd);
    for (const int fd : g_static.fds) close(fd);
    done();
    fflush(stdout);
  });
  for (int i = 0; i < 3; i++) g_static.fds.push_back(ended());
  std::quick_exit(0);
}
