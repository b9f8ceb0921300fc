// A connection that closes in its destructor, kept alive by its own callback (muduo, TLGS).
#include <functional>
#include <memory>

#include "corpus.h"

namespace {

constexpr int kLeaks = 7, kHealthy = 5;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  void on_close(std::function<void()> callback) { callback_ = std::move(callback); }
  NAMED void handle_read() {
    char data[128];
    while (::read(fd_, data, sizeof data) > 0) continue;  // LEAK-SEEN
  }

 private:
  int fd_;
  std::function<void()> callback_;
};

NAMED std::shared_ptr<Connection> accept_connection(int listener) {
  return std::make_shared<Connection>(::accept(listener, nullptr, nullptr));  // LEAK-OPEN
}

}  // namespace

int main() {
  const int listener = listen_at(AF_INET);
  for (int i = 0; i < kLeaks + kHealthy; i++) {
    visit(listener, "hello");
    auto connection = accept_connection(listener);
    std::weak_ptr<Connection> weak = connection;
    if (i < kLeaks) {
      connection->on_close([connection] { connection->handle_read(); });
    } else {
      connection->on_close([weak] { (void)weak.lock(); });
    }
    connection->handle_read();
  }
  outlive_grace();
  return done();
}
