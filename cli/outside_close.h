// Shuts sockets of another process down, and raises its descriptor limit, from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace socktrack {

// A process by identity: a number that is used again does not lead to a stranger.
class ProcessHandle {
 public:
  explicit ProcessHandle(int pid);  // throws Failure
  ~ProcessHandle();
  ProcessHandle(const ProcessHandle&) = delete;
  ProcessHandle& operator=(const ProcessHandle&) = delete;

  int pid() const { return pid_; }
  // A copy of one of its descriptors in this process, or -1 with errno set. To be closed by the caller.
  int copy_of(int fd) const;

 private:
  int pid_;
  int descriptor_;
};

enum class Force { no, yes };  // yes: also with data unread or on its way

struct ShutDown {
  bool done = false;
  bool would = false;   // everything allows it; with Act::no
  std::string why_not;  // as a sentence
  std::string state;    // afterwards
};

enum class Act { no, yes };

// Asks the kernel again about the very socket, and only if it is still the one with `cookie`, in CLOSE_WAIT
// and idle, sends the FIN that the process owes. The number stays the process's, a later close() of its own
// is right, and what is unread can still be read.
ShutDown shut_down(const ProcessHandle& process, int fd, std::uint64_t cookie, Force force, Act act);

// True: SIGPIPE would end the process if it wrote to such a socket.
bool dies_of_sigpipe(int pid);

struct LimitChange {
  std::uint64_t before = 0, after = 0, hard = 0;
};

// The soft limit of open descriptors, and the hard one if it must be. Throws Failure with a sentence.
LimitChange raise_descriptor_limit(int pid, std::uint64_t to, Act act);

}  // namespace socktrack
