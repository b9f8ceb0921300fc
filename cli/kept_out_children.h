// Processes that the program started, behind a filter that keeps the library out of them: they leave no
// recording, so nobody would know that their sockets were not seen. Looked for while the program runs; one
// that ends between two looks is not found.
#pragma once

#include <chrono>
#include <cstddef>
#include <set>

namespace socktrack {

class KeptOutChildren {
 public:
  KeptOutChildren(int root, std::chrono::milliseconds interval = std::chrono::seconds(1))
      : root_(root), interval_(interval) {}

  // To be called now and then. Tells the user of each at once.
  void look();

  std::size_t count() const { return found_.size(); }

 private:
  using Clock = std::chrono::steady_clock;

  void judge(int pid);

  int root_;
  std::chrono::milliseconds interval_;
  Clock::time_point next_ = Clock::now() + interval_ / 4;
  std::set<int> found_;
};

}  // namespace socktrack
