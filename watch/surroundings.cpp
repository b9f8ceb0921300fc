#include "watch/surroundings.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "watch/decimal.h"
#include "watch/proc_scan.h"
#include "watch/raw_syscall.h"
#include "watch/sock_diag.h"

namespace socktrack {
namespace {

class Directory {
 public:
  Directory(int parent, const std::string& path) : fd_(proc::open_directory(parent, path.c_str())) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    if (fd_ >= 0) proc::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // visit(number, name) for each entry that is a number.
  template <typename Visit>
  void each_number(Visit visit) const {
    const auto call = [](void* context, std::uint32_t number, const char* name) {
      (*static_cast<Visit*>(context))(number, name);
      return true;
    };
    proc::for_each_number(fd_, call, &visit);
  }

 private:
  int fd_;
};

// Whole, however long: what an epoll set watches is a line for each member.
std::string read_file(int parent, const std::string& path) {
  std::string text;
  const long file = raw_syscall(SYS_openat, parent, reg(path.c_str()), O_RDONLY | O_CLOEXEC);
  if (raw_failed(file)) return text;
  char part[16384];
  for (long n = 0; (n = raw_syscall(SYS_read, file, reg(part), sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(n));
  raw_syscall(SYS_close, file);
  return text;
}

bool is_epoll_set(int directory, const char* name) {
  constexpr std::string_view kEpoll = "anon_inode:[eventpoll]";
  char link[64];
  const long size = raw_syscall(SYS_readlinkat, directory, reg(name), reg(link), sizeof link);
  return size > 0 && std::string_view(link, static_cast<std::size_t>(size)) == kEpoll;
}

// Not process_vm_readv: system call filters of services kill for that.
bool read_own_memory(std::uint64_t address, void* to, std::size_t size) {
  const long memory = raw_syscall(SYS_openat, AT_FDCWD, reg("/proc/self/mem"), O_RDONLY | O_CLOEXEC);
  if (raw_failed(memory)) return false;
  const long n =
      raw_syscall(SYS_pread64, memory, reg(to), static_cast<long>(size), static_cast<long>(address));
  raw_syscall(SYS_close, memory);
  return n == static_cast<long>(size);
}

bool is_mapped(const Endpoint& endpoint) {
  constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return endpoint.family == AF_INET6 && std::memcmp(endpoint.address, kPrefix, sizeof kPrefix) == 0;
}

// The list has a connection of IPv4 as one of IPv4, whatever kind of socket its ends are.
Endpoint plain(const Endpoint& endpoint) {
  if (!is_mapped(endpoint)) return endpoint;
  Endpoint v4{};
  v4.family = AF_INET;
  v4.port = endpoint.port;
  std::memcpy(v4.address, endpoint.address + 12, 4);
  return v4;
}

// Both ends are on this host, whatever the list says.
bool is_here(const Endpoint& local, const Endpoint& peer) {
  if (local.family != peer.family) return false;
  if (peer.family == AF_INET && peer.address[0] == 127) return true;
  return std::memcmp(local.address, peer.address, sizeof local.address) == 0;
}

class Look {
 public:
  Look(pid_t pid, pid_t tid, Subject* subjects, std::size_t count)
      : pid_(pid), tid_(tid), subjects_(subjects), count_(count) {}

  void run() {
    const bool all = other_processes() && threads() && epoll_sets();
    for (std::size_t i = 0; i < count_; ++i) subjects_[i].around.known = all;
    peers();
  }

 private:
  std::string home() const { return "/proc/" + std::to_string(pid_) + "/task/" + std::to_string(tid_); }

  template <typename Visit>
  void with_inode(std::uint64_t inode, Visit visit) {
    for (std::size_t i = 0; inode != 0 && i < count_; ++i) {
      if (subjects_[i].inode == inode) visit(subjects_[i]);
    }
  }

  // Processes we may not look into belong to others; what they could hold of ours came by a way that hooks
  // see (SCM_RIGHTS) or over a fork, whose child has our user until it changes it.
  bool other_processes() {
    const Directory proc(AT_FDCWD, "/proc");
    if (!proc) return false;
    proc.each_number([&](std::uint32_t pid, const char* name) {
      if (static_cast<pid_t>(pid) != pid_) other_process(proc.fd(), name);
    });
    return true;
  }

  void other_process(int proc, const std::string& pid) {
    const Directory fds(proc, pid + "/fd");
    if (!fds) return;
    fds.each_number([&](std::uint32_t, const char* name) {
      with_inode(proc::socket_of(fds.fd(), name),
                 [](Subject& subject) { subject.around.other_process = true; });
    });
  }

  bool threads() {
    const Directory tasks(AT_FDCWD, "/proc/" + std::to_string(pid_) + "/task");
    if (!tasks) return false;
    bool any = false;
    for (std::size_t i = 0; i < count_; ++i) {
      if (subjects_[i].seer_tid != 0) subjects_[i].around.seer = Seer::ended;
    }
    tasks.each_number([&](std::uint32_t number, const std::string& tid) {
      const std::string line = read_file(tasks.fd(), tid + "/syscall");
      any = any || !line.empty();
      for (std::size_t i = 0; i < count_; ++i) {
        if (subjects_[i].seer_tid == number) subjects_[i].around.seer = seer_in_call(line);
      }
      for (const int fd : descriptors_in_call(line, read_own_memory)) {
        for (std::size_t i = 0; i < count_; ++i) {
          if (subjects_[i].fd == fd) subjects_[i].around.thread_inside = true;
        }
      }
    });
    return any;  // none could be read: kernels without CONFIG_HAVE_ARCH_TRACEHOOK, hidepid
  }

  bool epoll_sets() {
    const Directory fds(AT_FDCWD, home() + "/fd");
    if (!fds) return false;
    fds.each_number([&](std::uint32_t fd, const char* name) {
      if (is_epoll_set(fds.fd(), name)) epoll_set(static_cast<int>(fd));
    });
    return true;
  }

  void epoll_set(int epoll) {
    const std::string text = read_file(AT_FDCWD, home() + "/fdinfo/" + std::to_string(epoll));
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = std::min(text.find('\n', start), text.size());
      EpollEntry entry;
      if (parse_epoll_line(std::string_view(text).substr(start, end - start), entry)) {
        with_inode(entry.inode, [&](Subject& subject) { registered(subject, epoll, entry); });
      }
      start = end + 1;
    }
  }

  void peers() {
    int netlink = -1;
    for (std::size_t i = 0; i < count_; ++i) {
      if (subjects_[i].peer.family == 0) continue;
      if (netlink < 0) netlink = open_sock_diag();
      if (netlink < 0) return;
      subjects_[i].around.peer = peer_end(netlink, plain(subjects_[i].local), plain(subjects_[i].peer));
    }
    if (netlink >= 0) close_sock_diag(netlink);
  }

  // A socket that its process has closed lives on for its last packets, but not as anybody's file.
  static PeerEnd peer_end(int netlink, const Endpoint& local, const Endpoint& peer) {
    std::uint64_t inode = 0;
    const auto take_inode = [](void* to, const DiagSocket& socket) {
      *static_cast<std::uint64_t*>(to) = socket.inode;
      return false;
    };
    if (find_tcp(netlink, peer, local, take_inode, &inode)) return inode == 0 ? PeerEnd::gone : PeerEnd::held;
    return is_here(local, peer) ? PeerEnd::gone : PeerEnd::unknown;
  }

  static void registered(Subject& subject, int epoll, const EpollEntry& entry) {
    if (would_spin(entry.events)) subject.around.epoll_spins = true;
    // Registered under a number that is closed now: nobody can take that out (cost.md 4).
    if (entry.fd != subject.fd || subject.epoll_count == kMaxEpollSets) {
      subject.around.epoll_unknown = true;
    } else {
      subject.epolls[subject.epoll_count++] = epoll;
    }
  }

  pid_t pid_;
  pid_t tid_;
  Subject* subjects_;
  std::size_t count_;
};

std::vector<std::uint64_t> numbers_of(std::string_view line) {
  std::vector<std::uint64_t> numbers;
  while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  for (std::size_t start = 0; start < line.size();) {
    const std::size_t end = std::min(line.find(' ', start), line.size());
    std::string_view word = line.substr(start, end - start);
    const bool hex = word.starts_with("0x");
    if (hex) word.remove_prefix(2);
    std::uint64_t number = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), number, hex ? 16 : 10).ec != std::errc())
      break;
    numbers.push_back(number);
    start = end + 1;
  }
  return numbers;
}

void add_polled(std::vector<int>& fds, std::uint64_t address, std::uint64_t count, ReadMemory read_memory) {
  std::vector<pollfd> polled(std::min<std::uint64_t>(count, 65536));
  if (polled.empty() || !read_memory(address, polled.data(), polled.size() * sizeof(pollfd))) return;
  for (const pollfd& each : polled) fds.push_back(each.fd);
}

void add_selected(std::vector<int>& fds, std::uint64_t address, std::uint64_t count, ReadMemory read_memory) {
  fd_set set;
  FD_ZERO(&set);
  const std::size_t bytes = std::min<std::uint64_t>((count + 63) / 64 * 8, sizeof set);
  if (address == 0 || bytes == 0 || !read_memory(address, &set, bytes)) return;
  for (int fd = 0; fd < static_cast<int>(std::min<std::uint64_t>(count, FD_SETSIZE)); ++fd) {
    if (FD_ISSET(fd, &set)) fds.push_back(fd);
  }
}

}  // namespace

void look_around(pid_t pid, pid_t tid, Subject* subjects, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    subjects[i].around = {};
    subjects[i].epoll_count = 0;
  }
  Look(pid, tid, subjects, count).run();
}

std::vector<int> descriptors_in_call(std::string_view line, ReadMemory read_memory) {
  const std::vector<std::uint64_t> numbers = numbers_of(line);  // nr, six arguments, sp, pc; or "running"
  std::vector<int> fds;
  if (numbers.size() < 7) return fds;
  const auto argument = [&](std::size_t i) { return numbers[i + 1]; };
  switch (numbers[0]) {
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
      add_polled(fds, argument(0), argument(1), read_memory);
      break;
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6:
      for (std::size_t i = 1; i <= 3; ++i) add_selected(fds, argument(i), argument(0), read_memory);
      break;
    case SYS_sendfile:
    case SYS_tee:
      fds = {static_cast<int>(argument(0)), static_cast<int>(argument(1))};
      break;
    case SYS_splice:
      fds = {static_cast<int>(argument(0)), static_cast<int>(argument(2))};
      break;
    case SYS_futex:
    case SYS_epoll_pwait:
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_wait4:
    case SYS_rt_sigtimedwait:
    case SYS_rt_sigsuspend:
    case SYS_restart_syscall:
      break;  // the first argument is no descriptor of a socket
    default:
      fds = {static_cast<int>(argument(0))};
      break;
  }
  return fds;
}

Seer seer_in_call(std::string_view line) {
  if (line.starts_with("running")) return Seer::busy;
  const std::vector<std::uint64_t> numbers = numbers_of(line);
  if (numbers.empty()) return Seer::unknown;
  switch (numbers[0]) {
#ifdef SYS_accept
    case SYS_accept:
#endif
    case SYS_accept4:
      return Seer::accepts;
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
      return Seer::busy;
    default:
      return Seer::waits;
  }
}

// tfd:        8 events:       19 data:                8  pos:0 ino:1b2 sdev:8
bool parse_epoll_line(std::string_view line, EpollEntry& entry) {
  const auto number_after = [line](std::string_view name, int base, auto& number) {
    std::size_t at = line.find(name);
    if (at == std::string_view::npos) return false;
    at = std::min(line.find_first_not_of(' ', at + name.size()), line.size());
    return std::from_chars(line.data() + at, line.data() + line.size(), number, base).ec == std::errc();
  };
  return line.starts_with("tfd:") && number_after("tfd:", 10, entry.fd) &&
         number_after(" events:", 16, entry.events) && number_after(" ino:", 16, entry.inode);
}

bool would_spin(std::uint32_t events) {
  const std::uint32_t wakes_once =
      static_cast<std::uint32_t>(EPOLLET) | static_cast<std::uint32_t>(EPOLLONESHOT);
  return (events & (wakes_once | EPOLLIN | EPOLLRDHUP | EPOLLOUT)) == 0;
}

}  // namespace socktrack
