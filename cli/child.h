// The program that `socktrack run` starts, and the command standing in for it: same group, same standard
// streams, signals passed on, stopped and continued together.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/signals.h"

namespace socktrack {

struct Program {
  std::string path;                      // no search in PATH any more
  std::vector<std::string> words;        // argv, [0] as the user typed it
  std::vector<std::string> environment;  // "NAME=value"
};

class Child {
 public:
  // Returns once the program runs (its exec has happened). Adds SOCKTRACK_ROOT_PID to the environment.
  // Throws Failure with status 127 (not found) or 126 if it cannot be started.
  explicit Child(const Program& program);

  int pid() const { return pid_; }

  // Waits until the program has ended and returns its status, 128+signal if it was killed. Meanwhile
  // `look` is called, at first every few milliseconds, later four times a second, and `look_back` when the
  // program has ended and /proc still knows it. If the command is killed, the program goes on.
  int wait(const std::function<void()>& look, const std::function<void()>& look_back);

 private:
  bool has_ended() const;
  bool reap(int& status) const;
  void pass_on(const siginfo_t& signal) const;

  HeldSignals signals_;
  int pid_ = -1;
};

}  // namespace socktrack
