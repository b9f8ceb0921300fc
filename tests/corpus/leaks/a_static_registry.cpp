// The registry of connections is a static object: its destructor closes at exit what was leaked until then.
#include <memory>
#include <vector>

#include "corpus.h"

namespace {

constexpr int kLeaks = 6, kHealthy = 4;

struct Socket {
  explicit Socket(int number) : fd(number) {}
  Socket(const Socket&) = delete;
  ~Socket() { ::close(fd); }
  int fd;
};

std::vector<std::unique_ptr<Socket>>& registry() {
  static std::vector<std::unique_ptr<Socket>> sockets;
  return sockets;
}

NAMED std::unique_ptr<Socket> next_client(int listener) {
  return std::make_unique<Socket>(::accept(listener, nullptr, nullptr));  // LEAK-OPEN
}

NAMED void read_all(const Socket& socket) {
  char data[64];
  while (::recv(socket.fd, data, sizeof data, 0) > 0) continue;  // LEAK-SEEN
}

}  // namespace

int main() {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "hello");
    auto client = next_client(listener);
    read_all(*client);
    if (i < kLeaks) registry().push_back(std::move(client));
  }
  outlive_grace();
  return done();
}
