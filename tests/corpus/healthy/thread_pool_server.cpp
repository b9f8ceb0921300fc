// Threads accept, serve, throw and close by RAII; one thread closes what another has read to its end.
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "corpus.h"

namespace {

constexpr int kClients = 100, kThreads = 4;

struct Socket {
  explicit Socket(int number) : fd(number) {}
  Socket(const Socket&) = delete;
  ~Socket() { ::close(fd); }
  int fd;
};

std::atomic<int> left{kClients};

void serve(int listener, int graveyard) {
  while (left.fetch_sub(1) > 0) {
    try {
      const Socket client(taken(listener));
      char data[64];
      while (::recv(client.fd, data, sizeof data, 0) > 0) continue;
      const int other = ::dup(client.fd);
      require(::write(graveyard, &other, sizeof other) == sizeof other, "write");
      throw std::runtime_error("end");
    } catch (const std::runtime_error&) {
    }
  }
}

void bury(int graveyard) {
  int fd;
  while (::read(graveyard, &fd, sizeof fd) == sizeof fd) ::close(fd);
}

}  // namespace

int main() {
  const int listener = listen_at(AF_INET);
  int pipes[2];
  require(pipe(pipes) == 0, "pipe");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) threads.emplace_back(serve, listener, pipes[1]);
  std::thread undertaker(bury, pipes[0]);
  for (int i = 0; i < kClients; i++) visit(listener, "hello");
  for (auto& thread : threads) thread.join();
  ::close(pipes[1]);
  undertaker.join();
  outlive_grace();
  return done();
}
