#include "cli/child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/failure.h"

namespace socktrack {
namespace {

constexpr int kNotExecutable = 126, kNotFound = 127;  // as of shells and env(1)

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void become(Program program, const HeldSignals& signals, int report_to) {
  program.environment.push_back("SOCKTRACK_ROOT_PID=" + std::to_string(getpid()));
  const std::vector<char*> words = pointers_to(program.words);
  const std::vector<char*> environment = pointers_to(program.environment);
  signals.restore_in_child();
  // The path has a '/', so nothing is searched; execvpe hands a text without "#!" to the shell.
  execvpe(program.path.c_str(), words.data(), environment.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t told = write(report_to, &error, sizeof error);
  _exit(kNotExecutable);
}

// The errno of a failed exec; 0 once it has happened, because exec closes the pipe.
int wait_for_exec(int report_from) {
  int error = 0;
  ssize_t size = 0;
  do {
    size = read(report_from, &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  return size == sizeof error ? error : 0;
}

[[noreturn]] void cannot_start(const Program& program, int error) {
  throw Failure(error == ENOENT ? kNotFound : kNotExecutable,
                program.words.front() + " cannot be started: " + std::strerror(error));
}

}  // namespace

Child::Child(const Program& program) {
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) cannot_start(program, errno);
  pid_ = fork();
  if (pid_ == 0) become(program, signals_, pipe[1]);
  const int fork_error = pid_ < 0 ? errno : 0;
  close(pipe[1]);
  const int error = fork_error != 0 ? fork_error : wait_for_exec(pipe[0]);
  close(pipe[0]);
  if (error == 0) return;
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  cannot_start(program, error);
}

int Child::wait(const std::function<void()>& look, const std::function<void()>& look_back) {
  int status = 0;
  look();
  for (int pause_ms = 1;;) {
    if (has_ended()) look_back();
    if (reap(status)) break;
    siginfo_t signal{};
    if (signals_.take(signal, pause_ms)) {
      pass_on(signal);
    } else {
      look();
      pause_ms = std::min(2 * pause_ms, 250);
    }
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Child::has_ended() const {
  siginfo_t ended{};
  return waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == pid_;
}

// True if the program has ended. As first process of a container the command gets orphans too.
bool Child::reap(int& status) const {
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
    if (pid != pid_) continue;
    if (!WIFSTOPPED(status)) return true;
    // A stop of job control is one of the whole group: the shell waits for us to be stopped as well. Not
    // so SIGSTOP: whoever continues the program alone would leave us behind.
    if (WSTOPSIG(status) != SIGSTOP) kill(getpid(), SIGSTOP);
  }
  return false;
}

void Child::pass_on(const siginfo_t& signal) const {
  if (!is_for_program(signal, pid_)) return;
  if (signal.si_code == SI_QUEUE) {
    sigqueue(pid_, signal.si_signo, signal.si_value);
  } else {
    kill(pid_, signal.si_signo);
  }
}

}  // namespace socktrack
