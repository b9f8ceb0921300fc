// asio: the session stays in the set of sessions after the end of the stream.
#include <array>
#include <memory>
#include <set>

#include <asio.hpp>

#include "corpus.h"

using asio::ip::tcp;

struct Session : std::enable_shared_from_this<Session> {
  Session(tcp::socket socket, std::set<std::shared_ptr<Session>>& all)
      : socket_(std::move(socket)), all_(all) {}
  void start() {
    all_.insert(shared_from_this());
    read();
  }
  void read() {
    socket_.async_read_some(asio::buffer(buffer_), [this](std::error_code error, std::size_t size) {
      on_read(error, size);  // LEAK-SEEN
    });
  }
  NAMED void on_read(std::error_code error, std::size_t size) {
    if (!error) {
      if (buffer_[size - 1] == 'q') polite_ = true;
      return read();
    }
    if (polite_) all_.erase(shared_from_this());
  }
  tcp::socket socket_;
  std::set<std::shared_ptr<Session>>& all_;
  std::array<char, 64> buffer_{};
  bool polite_ = false;
};

int main() {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::set<std::shared_ptr<Session>> sessions;
  for (int i = 0; i < 12; i++) {
    visit(acceptor.native_handle(), i % 2 == 0 ? "q" : "x");
    tcp::socket socket(loop);
    acceptor.accept(socket);  // LEAK-OPEN
    std::make_shared<Session>(std::move(socket), sessions)->start();
  }
  loop.run();
  require(sessions.size() == 6, "sessions");
  outlive_grace();
  done();
  fflush(stdout);
  _exit(0);  // whoever holds the sessions would close them at the end
}
