#include "cli/outside_close.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/process_facts.h"
#include "watch/probe.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// TCP_CLOSE for what is no TCP socket.
std::uint8_t state_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_state : std::uint8_t{TCP_CLOSE};
}

int bytes(int fd, unsigned long question) {
  int count = 0;
  return ioctl(fd, question, &count) == 0 ? count : 0;
}

std::string why_not(int fd, std::uint64_t cookie, Force force) {
  if (socket_cookie(fd) != cookie) return "The number holds another socket by now.";
  const std::uint8_t state = state_of(fd);
  if (state != TCP_CLOSE_WAIT) return fmt::format("It is in {} by now.", tcp_state_name(state));
  if (force == Force::yes) return "";
  if (const int unread = bytes(fd, SIOCINQ); unread > 0) {
    return fmt::format("{} bytes are unread, so the process may come back to it (--force).", unread);
  }
  if (const int unsent = bytes(fd, SIOCOUTQ); unsent > 0) {
    return fmt::format("{} bytes are on their way to the peer (--force).", unsent);
  }
  return "";
}

// Reading stays possible while something is to be read.
int direction(int fd) { return bytes(fd, SIOCINQ) > 0 ? SHUT_WR : SHUT_RDWR; }

bool has_signal(int pid, const char* set, int signal) {
  const std::uint64_t bits = std::strtoull(status_field(pid, set).c_str(), nullptr, 16);
  return (bits >> static_cast<unsigned>(signal - 1) & 1U) != 0;
}

}  // namespace

// The wrappers of glibc 2.36 are declared without extern "C".
ProcessHandle::ProcessHandle(int pid)
    : pid_(pid), descriptor_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
  if (descriptor_ >= 0) return;
  if (errno == ESRCH || errno == EINVAL) throw Failure(kCannot, fmt::format("there is no process {}", pid));
  throw Failure(kCannot, fmt::format("process {}: {}", pid, std::strerror(errno)));
}

ProcessHandle::~ProcessHandle() { close(descriptor_); }

int ProcessHandle::copy_of(int fd) const {
  return static_cast<int>(syscall(SYS_pidfd_getfd, descriptor_, fd, 0));
}

ShutDown shut_down(const ProcessHandle& process, int fd, std::uint64_t cookie, Force force, Act act) {
  ShutDown result;
  const Descriptor copy(process.copy_of(fd));
  if (copy.get() < 0) {
    result.why_not = errno == EPERM ? "It takes the right to trace the process: its user's or root's."
                                    : fmt::format("It cannot be had: {}.", std::strerror(errno));
    return result;
  }
  result.why_not = why_not(copy.get(), cookie, force);
  result.would = result.why_not.empty();
  if (!result.would || act == Act::no) return result;
  if (shutdown(copy.get(), direction(copy.get())) != 0) {
    result.why_not = fmt::format("shutdown: {}.", std::strerror(errno));
    return result;
  }
  result.done = true;
  result.state = tcp_state_name(state_of(copy.get()));
  return result;
}

bool dies_of_sigpipe(int pid) {
  return !has_signal(pid, "SigIgn", SIGPIPE) && !has_signal(pid, "SigCgt", SIGPIPE) &&
         !has_signal(pid, "SigBlk", SIGPIPE);
}

LimitChange raise_descriptor_limit(int pid, std::uint64_t to, Act act) {
  rlimit before{};
  if (prlimit(pid, RLIMIT_NOFILE, nullptr, &before) != 0) {
    throw Failure(kCannot,
                  fmt::format("the limit of process {} cannot be read: {}", pid, std::strerror(errno)));
  }
  if (to <= before.rlim_cur) {
    throw Failure(kUsage, fmt::format("--raise-limit: it is {} already", before.rlim_cur));
  }
  const rlimit after{to, std::max<rlim_t>(to, before.rlim_max)};
  if (act == Act::yes && prlimit(pid, RLIMIT_NOFILE, &after, nullptr) != 0) {
    const char* more =
        errno == EPERM && to > before.rlim_max ? ": above the hard limit it takes CAP_SYS_RESOURCE" : "";
    throw Failure(kCannot, fmt::format("the limit stays {} (hard {}): {}{}", before.rlim_cur, before.rlim_max,
                                       std::strerror(errno), more));
  }
  return {before.rlim_cur, to, after.rlim_max};
}

}  // namespace socktrack
