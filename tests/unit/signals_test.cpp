#include "cli/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace socktrack {
namespace {

constexpr int kProgram = 4711;

siginfo_t signal_from(int number, int code, int pid) {
  siginfo_t signal{};
  signal.si_signo = number;
  signal.si_code = code;
  signal.si_pid = pid;
  return signal;
}

TEST(Signals, OfTheTerminalHaveReachedTheProgramAlready) {
  for (const int number : {SIGINT, SIGQUIT, SIGTSTP, SIGHUP, SIGWINCH}) {
    EXPECT_FALSE(is_for_program(signal_from(number, SI_KERNEL, 0), kProgram)) << number;
    EXPECT_TRUE(is_for_program(signal_from(number, SI_USER, 1), kProgram)) << number;
  }
}

TEST(Signals, OfOthersAreForTheProgram) {
  for (const int number : {SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGALRM}) {
    EXPECT_TRUE(is_for_program(signal_from(number, SI_USER, 1), kProgram)) << number;
  }
  EXPECT_TRUE(is_for_program(signal_from(SIGRTMIN, SI_QUEUE, 1), kProgram));
  EXPECT_TRUE(is_for_program(signal_from(SIGALRM, SI_KERNEL, 0), kProgram)) << "an alarm set before exec";
}

TEST(Signals, OfTheProgramItselfAreNot) {
  EXPECT_FALSE(is_for_program(signal_from(SIGUSR1, SI_USER, kProgram), kProgram));
  EXPECT_FALSE(is_for_program(signal_from(SIGCHLD, CLD_EXITED, kProgram), kProgram));
}

TEST(HeldSignals, AreTakenInTurnAndDroppedAtTheEnd) {
  sigset_t before, after;
  sigprocmask(SIG_SETMASK, nullptr, &before);
  {
    const HeldSignals signals;
    siginfo_t signal{};
    EXPECT_FALSE(signals.take(signal, 0));
    kill(getpid(), SIGTERM);
    ASSERT_TRUE(signals.take(signal, 0));
    EXPECT_EQ(signal.si_signo, SIGTERM);
    EXPECT_EQ(signal.si_pid, getpid());
    kill(getpid(), SIGTERM);  // must not end the test
  }
  sigprocmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

}  // namespace
}  // namespace socktrack
