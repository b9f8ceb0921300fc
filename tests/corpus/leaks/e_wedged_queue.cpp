// An accept loop feeds an unbounded queue in front of a pool that is wedged (xtdb).
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "corpus.h"

namespace {

constexpr int kClients = 12;

std::mutex mutex;
std::condition_variable wake;
std::deque<int> queue;

NAMED void accept_loop(int listener) {
  for (int i = 0; i < kClients; i++) {
    const int fd = ::accept(listener, nullptr, nullptr);  // LEAK-OPEN
    const std::lock_guard<std::mutex> guard(mutex);
    queue.push_back(fd);
  }
}

void wedged_worker() {
  std::unique_lock<std::mutex> guard(mutex);
  wake.wait(guard, [] { return queue.size() > 1000000; });
}

}  // namespace

int main() {
  const int listener = listen_at(AF_INET);
  std::thread(wedged_worker).detach();
  for (int i = 0; i < kClients; i++) visit(listener, "GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  accept_loop(listener);
  outlive_grace();
  std::fflush(nullptr);
  _exit(done() + std::fflush(nullptr));
}
