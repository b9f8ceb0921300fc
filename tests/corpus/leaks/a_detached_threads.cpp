// Detached threads, one a client; the end by signal: the handler leaves, the threads still sit there.
#include <atomic>
#include <csignal>
#include <thread>

#include "corpus.h"

static std::atomic<int> g_ended{0};

NAMED static void talk(int fd) {
  char text[16];
  while (recv(fd, text, sizeof text, 0) > 0) continue;  // LEAK-SEEN
  g_ended++;
  pause();
}

NAMED static int next(int listener) {
  return accept(listener, nullptr, nullptr);  // LEAK-OPEN
}

int main() {
  const int listener = listen_at(AF_INET6);
  std::signal(SIGTERM, [](int) {
    if (write(1, "done\n", 5) != 5) _exit(1);
    _exit(0);
  });
  for (int i = 0; i < 20; i++) {
    visit(listener, "hi");
    std::thread(talk, next(listener)).detach();
  }
  while (g_ended < 20) wait_ms(1);
  outlive_grace();
  kill(getpid(), SIGTERM);
  pause();
}
