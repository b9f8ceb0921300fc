#include "cli/trial_load.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace socktrack {
namespace {

[[noreturn]] void load_and_end(const std::string& library, int report_to) {
  setenv("SOCKTRACK_HOSTED", "1", 1);  // keeps its constructor from telling the user what we tell
  // Under a filter of ours, which is then the program's as well: what it kills for is found out here.
  setenv("SOCKTRACK_INHERITED_FILTER", "trust", 1);
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) _exit(0);
  const char* problem = dlerror();
  if (problem == nullptr) problem = "unknown reason";
  [[maybe_unused]] const ssize_t told = write(report_to, problem, std::strlen(problem));
  _exit(1);
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 512> buffer;
  for (;;) {
    const ssize_t size = read(descriptor, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

// Empty as well if whoever ignores SIGCHLD took the status away: then the program itself has to tell.
std::string death_of(int pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return "";
  }
  if (WIFSIGNALED(status)) return "it dies of signal " + std::to_string(WTERMSIG(status)) + " when loaded";
  return WEXITSTATUS(status) == 0 ? "" : "it ends the program when loaded";
}

}  // namespace

std::string problem_of_loading(const std::string& library) {
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) return std::strerror(errno);
  const pid_t pid = fork();
  if (pid == 0) load_and_end(library, pipe[1]);
  const int fork_error = pid < 0 ? errno : 0;
  close(pipe[1]);
  const std::string problem = fork_error != 0 ? std::strerror(fork_error) : read_all(pipe[0]);
  close(pipe[0]);
  const std::string death = pid > 0 ? death_of(pid) : "";
  return problem.empty() ? death : problem;
}

}  // namespace socktrack
