// A thread-pool server in C++ whose catch block forgets the socket: 11 clients reset (leaked), 13 say
// quit (closed). With "fixed" the catch block closes too.
#include <pthread.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "loopback.h"

namespace shop {

constexpr int kResetting = 11;
constexpr int kQuitting = 13;
constexpr int kWorkers = 4;

class Session {
 public:
  explicit Session(int fd) : fd_(fd) {}

  NAMED bool read_command(char& command) {
    const ssize_t n = recv(fd_, &command, 1, 0);
    if (n < 0) throw std::system_error(errno, std::generic_category(), "recv");
    return n == 1;
  }

  NAMED void run() {
    char command = 0;
    while (command != 'q' && read_command(command)) say(fd_, "+");
    finish();
  }

  NAMED void finish() {
    close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

class Pool {
 public:
  explicit Pool(bool fixed) : fixed_(fixed) {
    for (int i = 0; i < kWorkers; i++) workers_.emplace_back([this] { work(); });
  }

  void add(int fd) {
    const std::lock_guard<std::mutex> guard(lock_);
    waiting_.push_back(fd);
    changed_.notify_one();
  }

  void join() {
    {
      const std::lock_guard<std::mutex> guard(lock_);
      stopping_ = true;
      changed_.notify_all();
    }
    for (std::thread& worker : workers_) worker.join();
  }

  int failures() const { return failures_; }

 private:
  bool next(int& fd) {
    std::unique_lock<std::mutex> guard(lock_);
    changed_.wait(guard, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return false;
    fd = waiting_.front();
    waiting_.pop_front();
    return true;
  }

  NAMED void work() {
    pthread_setname_np(pthread_self(), "pool-worker");
    for (int fd = -1; next(fd);) {
      Session session(fd);
      try {
        session.run();
      } catch (const std::system_error& error) {
        if (fixed_) session.finish();
        const std::lock_guard<std::mutex> guard(lock_);
        if (error.code().value() == ECONNRESET) failures_++;
      }
    }
  }

  bool fixed_;
  bool stopping_ = false;
  int failures_ = 0;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<int> waiting_;
  std::vector<std::thread> workers_;
};

int client_of(int listener, Pool& pool) {
  const int client = connect_to(listener);
  pool.add(accept_client(listener));
  say(client, "a");
  expect(client, "+");
  return client;
}

}  // namespace shop

int main(int argc, char** argv) {
  using namespace shop;
  Pool pool(has_argument(argc, argv, "fixed"));
  const int listener = listen_any();
  for (int i = 0; i < kResetting + kQuitting; i++) {
    const int client = client_of(listener, pool);
    if (i < kResetting) {
      reset(client);
      continue;
    }
    say(client, "q");
    expect(client, "+");
    close(client);
  }
  pool.join();
  close(listener);
  require(pool.failures() == kResetting, "each reset is thrown once");
  return done();
}
