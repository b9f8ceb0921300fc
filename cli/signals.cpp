#include "cli/signals.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>

namespace socktrack {

HeldSignals::HeldSignals() {
  sigfillset(&all_);
  sigprocmask(SIG_SETMASK, &all_, &before_);
  // Whoever ignores SIGCHLD hands that down, and then there would be no status to wait for.
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &plain, &child_before_);
}

HeldSignals::~HeldSignals() {
  for (siginfo_t dropped; take(dropped, 0);) continue;
  sigaction(SIGCHLD, &child_before_, nullptr);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void HeldSignals::restore_in_child() const {
  sigaction(SIGCHLD, &child_before_, nullptr);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool HeldSignals::take(siginfo_t& signal, int milliseconds) const {
  const timespec limit{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  int taken = -1;
  do {
    taken = milliseconds < 0 ? sigwaitinfo(&all_, &signal) : sigtimedwait(&all_, &signal, &limit);
  } while (taken < 0 && errno == EINTR);  // stopped and continued
  return taken > 0;
}

bool is_for_program(const siginfo_t& signal, int program) {
  static constexpr int of_terminal[] = {SIGINT,  SIGQUIT, SIGTSTP,  SIGTTIN,
                                        SIGTTOU, SIGHUP,  SIGWINCH, SIGCONT};
  if (signal.si_signo == SIGCHLD) return false;
  if (signal.si_code > 0) {  // sent by the kernel
    return std::find(std::begin(of_terminal), std::end(of_terminal), signal.si_signo) ==
           std::end(of_terminal);
  }
  return signal.si_pid != program;
}

}  // namespace socktrack
