// recv() gives 0, the parser throws, the catch block logs; the raw descriptor in the try block is lost.
#include <stdexcept>
#include <string>

#include "corpus.h"

namespace {

constexpr int kLeaks = 7, kHealthy = 5;

NAMED std::string read_message(int fd) {
  char data[64];
  std::string message;
  while (message.find('\n') == std::string::npos) {
    const ssize_t count = ::recv(fd, data, sizeof data, 0);  // LEAK-SEEN
    if (count <= 0) throw std::runtime_error("connection ended in the middle of a message");
    message.append(data, static_cast<std::size_t>(count));
  }
  return message;
}

NAMED int accept_peer(int listener) { return ::accept(listener, nullptr, nullptr); }  // LEAK-OPEN

NAMED void handle(int listener) {
  try {
    const int fd = accept_peer(listener);
    read_message(fd);
    ::close(fd);
  } catch (const std::exception&) {
  }
}

}  // namespace

int main() {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, i < kLeaks ? "half a mess" : "message\n");
    handle(listener);
  }
  outlive_grace();
  return done();
}
