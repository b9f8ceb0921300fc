// An epoll server, level-triggered, takes a finished client out of the epoll set but not out of its map.
#include <cstdlib>
#include <map>
#include <memory>

#include "corpus.h"

namespace {

constexpr int kLeaks = 8, kHealthy = 4;

struct Client {
  explicit Client(int number) : fd(number) {}
  Client(const Client&) = delete;
  ~Client() { ::close(fd); }
  int fd;
};

class Server {
 public:
  explicit Server(int listener) : listener_(listener), epoll_(epoll_create1(0)) { watch(listener); }
  ~Server() { ::close(epoll_); }
  Server(const Server&) = delete;

  void run_until(int ended) {
    while (ended_ < ended) {
      epoll_event events[16];
      const int count = epoll_wait(epoll_, events, 16, -1);
      for (int i = 0; i < count; i++) {
        if (events[i].data.fd == listener_)
          on_accept();
        else
          on_readable(events[i].data.fd);
      }
    }
  }
  std::size_t kept() const { return clients_.size(); }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  NAMED void on_accept() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);  // LEAK-OPEN
    clients_[fd] = std::make_unique<Client>(fd);
    watch(fd);
  }
  NAMED void on_readable(int fd) {
    char data[64];
    const ssize_t count = ::recv(fd, data, sizeof data, 0);  // LEAK-SEEN
    if (count > 0 && data[0] != 'q') return;
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    if (count > 0) clients_.erase(fd);  // on quit, but not at the end of the stream
    ended_++;
  }

  int listener_, epoll_, ended_ = 0;
  std::map<int, std::unique_ptr<Client>> clients_;
};

}  // namespace

int main() {
  const int listener = listen_at(AF_INET);
  Server server(listener);
  for (int i = 0; i < kLeaks + kHealthy; i++) visit(listener, i < kLeaks ? "x" : "q");
  server.run_until(kLeaks + kHealthy);
  outlive_grace();
  // As on SIGTERM: the server object is not destroyed.
  std::exit(server.kept() == kLeaks ? done() : EXIT_FAILURE);
}
