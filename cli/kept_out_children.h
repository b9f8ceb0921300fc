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
  explicit KeptOutChildren(int root) : root_(root) {}

  // To be called now and then. Tells the user of each at once.
  void look();

  std::size_t count() const { return found_.size(); }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kInterval{1000};

  void judge(int pid);

  int root_;
  Clock::time_point next_ = Clock::now() + kInterval / 4;
  std::set<int> found_;
};

}  // namespace socktrack
