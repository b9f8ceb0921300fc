// One thread a client; on the end of the stream the thread ends, and the descriptor with nobody to close it.
#include <thread>
#include <vector>

#include "corpus.h"

namespace {

constexpr int kLeaks = 6, kHealthy = 6;

NAMED ssize_t read_command(int fd, char* command, std::size_t size) {
  return ::recv(fd, command, size, 0);  // LEAK-SEEN
}

NAMED void client_thread(int fd) {
  char command[32];
  while (true) {
    const ssize_t count = read_command(fd, command, sizeof command);
    if (count <= 0) return;
    if (command[0] == 'q') break;
  }
  ::close(fd);
}

NAMED int accept_client(int listener) {
  return ::accept(listener, nullptr, nullptr);  // LEAK-OPEN
}

}  // namespace

int main() {
  const int listener = listen_at(AF_INET);
  std::vector<std::thread> threads;
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, i % 2 == 0 ? "go on" : "quit");
    threads.emplace_back(client_thread, accept_client(listener));
  }
  for (auto& thread : threads) thread.join();
  outlive_grace();
  return done();
}
