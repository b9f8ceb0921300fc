// The constructor takes the socket and throws: no destructor runs.
#include <stdexcept>
#include <string>

#include "corpus.h"

class Connection {
 public:
  explicit Connection(int listener) : fd_(accept(listener, nullptr, nullptr)) {  // LEAK-OPEN
    greet();
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 private:
  NAMED void greet() {
    char hello[5];
    const ssize_t n = recv(fd_, hello, sizeof hello, MSG_WAITALL);  // LEAK-SEEN
    if (n < 5) throw std::runtime_error("no greeting");
  }
  int fd_;
};

int main() {
  const int listener = listen_at(AF_INET6);
  int failed = 0;
  for (int i = 0; i < 12; i++) {
    visit(listener, i % 3 == 0 ? "" : "hello");
    try {
      Connection connection(listener);
    } catch (const std::exception&) {
      failed++;
    }
  }
  require(failed == 4, "failed");
  outlive_grace();
  close(listener);
  return done();
}
