// A coroutine that ends suspended: the one who should resume it after the end of the stream never does.
#include <coroutine>
#include <exception>
#include <vector>

#include "corpus.h"

struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

struct Readable {
  int fd;
  std::vector<std::pair<int, std::coroutine_handle<>>>* loop;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) { loop->emplace_back(fd, waiter); }
  void await_resume() {}
};

using Loop = std::vector<std::pair<int, std::coroutine_handle<>>>;

NAMED int accept_one(int listener) {
  return accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);  // LEAK-OPEN
}

Task session(int fd, Loop* loop, bool waits_for_goodbye) {
  char text[32];
  while (true) {
    co_await Readable{fd, loop};
    const ssize_t n = read(fd, text, sizeof text);  // LEAK-SEEN
    if (n < 0) continue;
    if (n == 0) break;
  }
  if (waits_for_goodbye) co_await std::suspend_always{};
  close(fd);
}

int main() {
  const int listener = listen_at(AF_INET);
  Loop loop;
  for (int i = 0; i < 10; i++) {
    visit(listener, "hello");
    session(accept_one(listener), &loop, i % 2 == 0);
  }
  while (!loop.empty()) {
    const auto [fd, waiter] = loop.back();
    loop.pop_back();
    pollfd one = {fd, POLLIN, 0};
    require(poll(&one, 1, 20000) == 1, "poll");
    waiter.resume();
  }
  outlive_grace();
  close(listener);
  return done();
}
