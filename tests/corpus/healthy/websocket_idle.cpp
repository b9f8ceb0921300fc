// Long-lived connections, silent both ways for many graces, a ping, silence; the pair of threads that serves
// one is parked on a condition variable meanwhile.
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "corpus.h"

int main() {
  const int listener = listen_at(AF_INET);
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::vector<std::thread> threads;
  std::vector<int> clients;
  for (int i = 0; i < 8; i++) {
    clients.push_back(dialled(listener));
    threads.emplace_back([&, fd = taken(listener)] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return over; });
      lock.unlock();
      read_to_end(fd);
      close(fd);
    });
  }
  outlive_grace();
  for (const int fd : clients) say(fd, "ping");
  outlive_grace();
  for (const int fd : clients) close(fd);
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_all();
  for (std::thread& thread : threads) thread.join();
  close(listener);
  return done();
}
