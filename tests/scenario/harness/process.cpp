#include "harness/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

extern char** environ;

namespace scenario {
namespace {

using namespace std::chrono_literals;

// Under a sanitizer, on a busy machine, the long storms take minutes.
constexpr auto kSafetyLimit = std::string_view(SOCKTRACK_BUILT_WITH).empty() ? 120s : 900s;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

struct Pipe {
  std::array<int, 2> ends{};
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe2");
  }
};

bool is_ours(std::string_view entry) { return entry.starts_with("SOCKTRACK_") || entry.starts_with("LD_"); }

std::vector<std::string> environment_with(const Environment& added) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    if (!is_ours(text) && !added.contains(name)) entries.emplace_back(text);
  }
  for (const auto& [name, value] : added) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

int shell_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

Process::Process(const Arguments& arguments, const Environment& environment) {
  Pipe in;
  Pipe out;
  Pipe err;
  Arguments argument_texts = arguments;
  std::vector<std::string> environment_texts = environment_with(environment);
  const std::vector<char*> argv = pointers_to(argument_texts);
  const std::vector<char*> envp = pointers_to(environment_texts);
  // A child that has gone must not take the tests with it, nor inherit that we ignore this.
  signal(SIGPIPE, SIG_IGN);
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    signal(SIGPIPE, SIG_DFL);
    dup2(in.ends[0], STDIN_FILENO);
    dup2(out.ends[1], STDOUT_FILENO);
    dup2(err.ends[1], STDERR_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(in.ends[0]);
  close(out.ends[1]);
  close(err.ends[1]);
  input_ = in.ends[1];
  out_.fd = out.ends[0];
  err_.fd = err.ends[0];
  out_.reader = std::thread([this] { collect(out_); });
  err_.reader = std::thread([this] { collect(err_); });
}

Process::~Process() {
  if (waited_) return;
  kill(pid_, SIGKILL);
  try {
    wait();
  } catch (const std::exception&) {
    // A destructor has nobody to tell; the test that threw has failed already.
  }
}

void Process::collect(Stream& stream) {
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t n = read(stream.fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    const std::lock_guard guard(lock_);
    if (n <= 0) stream.ended = true;
    if (n > 0) stream.text.append(chunk.data(), static_cast<std::size_t>(n));
    changed_.notify_all();
    if (n <= 0) return;
  }
}

void Process::say(std::string_view text) {
  if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("write");
}

void Process::close_input() {
  if (input_ >= 0) close(input_);
  input_ = -1;
}

std::string Process::line() {
  std::unique_lock guard(lock_);
  std::size_t end = std::string::npos;
  const bool there = changed_.wait_for(guard, kSafetyLimit, [&] {
    end = out_.text.find('\n', lines_end_);
    return end != std::string::npos || out_.ended;
  });
  if (!there || end == std::string::npos) {
    throw std::runtime_error("no further line of output; standard error: " + err_.text);
  }
  std::string text = out_.text.substr(lines_end_, end - lines_end_);
  lines_end_ = end + 1;
  return text;
}

void Process::send_signal(int signal) const {
  if (kill(pid_, signal) != 0) fail("kill");
}

void Process::wait_for_exit() {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd < 0) fail("pidfd_open");
  pollfd exited{pidfd, POLLIN, 0};
  const auto limit = std::chrono::milliseconds(kSafetyLimit).count();
  const bool ended = poll(&exited, 1, static_cast<int>(limit)) == 1;
  close(pidfd);
  if (!ended) kill(pid_, SIGKILL);
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) fail("waitpid");
  status_ = shell_status(status);
  waited_ = true;
  if (!ended) err_.text += "\n[the test's safety limit killed it]\n";
}

Outcome Process::finish() {
  close_input();
  return wait();
}

Outcome Process::wait() {
  wait_for_exit();
  close_input();
  out_.reader.join();
  err_.reader.join();
  close(out_.fd);
  close(err_.fd);
  return {status_, out_.text, err_.text};
}

Outcome run(const Arguments& arguments, const Environment& environment) {
  return Process(arguments, environment).finish();
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/sbin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string candidate = directory + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace scenario
