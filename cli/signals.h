// The signals of the command while it stands in for a program: none is handled, all are taken in turn.
#pragma once

#include <csignal>

namespace socktrack {

// Blocks every signal for its lifetime, so that none is lost between fork and wait. One at a time, on
// the only thread of the command.
class HeldSignals {
 public:
  HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  // What arrived meanwhile is dropped: it was meant for the program.
  ~HeldSignals();

  // In the forked child: mask and dispositions as the command was given them.
  void restore_in_child() const;

  // The next signal; false if none came within `milliseconds` (negative: wait for ever).
  bool take(siginfo_t& signal, int milliseconds) const;

 private:
  sigset_t all_{};
  sigset_t before_{};
  struct sigaction child_before_ {};
};

// True if the program should be told: not its death or stop, not what it sent itself, and not what the
// terminal sends to the whole foreground group, because the program has that already.
bool is_for_program(const siginfo_t& signal, int program);

}  // namespace socktrack
