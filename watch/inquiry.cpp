#include "watch/inquiry.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "watch/decimal.h"
#include "watch/proc_scan.h"
#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

// By value, here and in other tables of the library: a pointer to a name is a relocation at each start.
struct Call {
  long number;
  char name[24];
  bool on_descriptor;
  bool idle;
};
constexpr Call kCalls[] = {
    {SYS_read, "read", true, false},
    {SYS_readv, "readv", true, false},
    {SYS_recvfrom, "recvfrom", true, false},
    {SYS_recvmsg, "recvmsg", true, false},
    {SYS_recvmmsg, "recvmmsg", true, false},
    {SYS_write, "write", true, false},
    {SYS_writev, "writev", true, false},
    {SYS_sendto, "sendto", true, false},
    {SYS_sendmsg, "sendmsg", true, false},
    {SYS_sendfile, "sendfile", true, false},
    {SYS_splice, "splice", true, false},
    {SYS_accept, "accept", true, true},
    {SYS_accept4, "accept4", true, true},
    {SYS_connect, "connect", true, false},
    {SYS_futex, "futex", false, false},
    {SYS_nanosleep, "nanosleep", false, false},
    {SYS_clock_nanosleep, "clock_nanosleep", false, false},
    {SYS_epoll_pwait, "epoll_pwait", false, true},
    {SYS_ppoll, "ppoll", false, true},
    {SYS_pselect6, "pselect6", false, true},
    {SYS_rt_sigtimedwait, "sigtimedwait", false, true},
    {SYS_rt_sigsuspend, "sigsuspend", false, true},
    {SYS_restart_syscall, "a resumed sleep or poll", false, false},
    {SYS_io_getevents, "io_getevents", false, true},
    {426, "io_uring_enter", false, true},
    {SYS_wait4, "wait4", false, false},
    {SYS_waitid, "waitid", false, false},
    {SYS_flock, "flock", true, false},
    {SYS_fsync, "fsync", true, false},
#ifdef SYS_poll
    {SYS_poll, "poll", false, true},
    {SYS_select, "select", false, true},
    {SYS_epoll_wait, "epoll_wait", false, true},
    {SYS_pause, "pause", false, true},
#endif
};

const Call* find_call(long number) {
  for (const Call& call : kCalls) {
    if (call.number == number) return &call;
  }
  return nullptr;
}

template <std::size_t N>
void copy_line(char (&to)[N], const char* from) {
  std::size_t size = 0;
  while (size + 1 < N && from[size] != '\0' && from[size] != '\n') size++;
  std::memcpy(to, from, size);
  to[size] = '\0';
}

// The number behind `key` in the text of a file of /proc, in the base it is written in.
std::uint64_t field(const char* text, const char* key, unsigned base) {
  const char* at = strstr(text, key);
  if (at == nullptr) return 0;
  for (at += strlen(key); *at == ' ' || *at == '\t';) at++;
  std::uint64_t value = 0;
  for (; *at >= '0' && *at < static_cast<char>('0' + base); at++)
    value = value * base + static_cast<std::uint64_t>(*at - '0');
  return value;
}

// ----------------------------------------------------------------------------------------------------------
// Other processes.

struct Search {
  Inquiry& inquiry;
  std::uint32_t own_pid;
  std::uint32_t parent = 0;
  std::uint32_t links_left = kMaxLinks;
  int processes = -1;
  std::uint32_t pid = 0;  // being looked at
  int process = -1;       // its directory
  int numbers = -1;       // its descriptors
};

std::uint32_t parent_of(int process) {
  char text[1024];
  return proc::read_file(process, "status", text, sizeof text) == 0
             ? 0
             : static_cast<std::uint32_t>(field(text, "\nPPid:", 10));
}

void note_holder(Search& search, Holder& holder, const char* number) {
  holder.pid = search.pid;
  char text[1024];
  proc::read_file(search.process, "comm", text, sizeof text);
  copy_line(holder.program, text);
  if (search.pid == search.parent) holder.flags |= holder_flag::parent;
  if (parent_of(search.process) == search.own_pid) holder.flags |= holder_flag::child;
  char path[64] = "fdinfo/";
  constexpr std::size_t kPrefix = sizeof "fdinfo/" - 1;
  std::memcpy(path + kPrefix, number, std::min(strlen(number), sizeof path - kPrefix - 1));
  if (proc::read_file(search.process, path, text, sizeof text) > 0 &&
      (field(text, "flags:", 8) & O_CLOEXEC) != 0)
    holder.flags |= holder_flag::cloexec;
}

bool look_at_descriptor(void* context, std::uint32_t, const char* name) {
  auto& search = *static_cast<Search*>(context);
  if (search.links_left == 0) return false;
  search.links_left--;
  const std::uint64_t inode = proc::socket_of(search.numbers, name);
  if (inode == 0) return true;
  Inquiry& inquiry = search.inquiry;
  for (std::uint32_t i = 0; i < inquiry.wanted; i++) {
    if (inquiry.inodes[i] != inode) continue;
    Holder& holder = inquiry.holders[i];
    const bool is_older = holder.is_older || search.pid < search.own_pid;
    // A child tells more than the parent does: it was made after the socket.
    if (holder.pid == 0 || (holder.flags & holder_flag::parent) != 0) {
      holder = {};
      note_holder(search, holder, name);
    }
    holder.is_older = is_older;
  }
  return true;
}

bool look_at_process(void* context, std::uint32_t pid, const char* name) {
  auto& search = *static_cast<Search*>(context);
  if (pid == search.own_pid) return true;
  search.pid = pid;
  search.process = proc::open_directory(search.processes, name);
  search.numbers = search.process < 0 ? -1 : proc::open_directory(search.process, "fd");
  if (search.numbers >= 0) {
    proc::for_each_number(search.numbers, look_at_descriptor, &search);
    proc::close(search.numbers);
  }
  if (search.process >= 0) proc::close(search.process);
  return search.links_left > 0;
}

void find_holders(Inquiry& inquiry) {
  for (Holder& holder : inquiry.holders) holder = {};
  if (inquiry.wanted == 0) return;
  // As the mounted /proc numbers processes, which need not be how we are numbered.
  char own[32] = "";
  raw_syscall(SYS_readlinkat, AT_FDCWD, reg("/proc/self"), reg(own), sizeof own - 1);
  Search search{.inquiry = inquiry,
                .own_pid = static_cast<std::uint32_t>(decimal::read(own, own + strlen(own)))};
  search.processes = proc::open_directory(AT_FDCWD, "/proc");
  if (search.processes < 0) return;
  const int self = proc::open_directory(search.processes, "self");
  if (self >= 0) {
    search.parent = parent_of(self);
    proc::close(self);
  }
  proc::for_each_number(search.processes, look_at_process, &search);
  proc::close(search.processes);
}

// ----------------------------------------------------------------------------------------------------------
// Our own threads.

struct Roll {
  Inquiry& inquiry;
  int tasks;
};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// "202 0x7f.. 0x80 ...": the number of the call, then its arguments; or "running".
void read_call(const char* text, Task& task) {
  if (*text < '0' || *text > '9') return;
  task.call = static_cast<long>(decimal::read(text, text + strlen(text)));
  for (std::uint64_t& argument : task.arguments) {
    while (*text != ' ' && *text != '\0') text++;
    if (*text++ == '\0') return;
    argument = 0;
    for (const char* at = text + 2; is_hex(*at); at++)
      argument = argument * 16 + static_cast<std::uint64_t>(*at <= '9' ? *at - '0' : (*at | 0x20) - 'a' + 10);
  }
}

bool look_at_task(void* context, std::uint32_t tid, const char* name) {
  auto& roll = *static_cast<Roll*>(context);
  Inquiry& inquiry = roll.inquiry;
  if (inquiry.tasks == kMaxTasks) return false;
  if (tid == inquiry.leaving_tid) return true;
  const int directory = proc::open_directory(roll.tasks, name);
  if (directory < 0) return true;
  char text[256];
  Task task;
  task.tid = tid;
  task.call = kRunning;
  proc::read_file(directory, "comm", text, sizeof text);
  copy_line(task.name, text);
  if (proc::read_file(directory, "syscall", text, sizeof text) > 0) read_call(text, task);
  proc::close(directory);
  const bool ours = std::strncmp(task.name, "socktrack", 9) == 0;
  if (!ours) inquiry.task[inquiry.tasks++] = task;
  return true;
}

void call_the_roll(Inquiry& inquiry) {
  inquiry.tasks = 0;
  Roll roll{inquiry, proc::open_directory(AT_FDCWD, "/proc/self/task")};
  if (roll.tasks < 0) return;
  proc::for_each_number(roll.tasks, look_at_task, &roll);
  proc::close(roll.tasks);
}

// Whether a thread that waits in poll or select has the descriptor in its list. The list is read from our own
// memory by a call that fails instead of faulting: the thread may be gone by now.
bool copy_from_here(std::uint64_t address, void* to, std::size_t size) {
  iovec local{to, size};
  iovec remote{reinterpret_cast<void*>(address), size};
  return raw_syscall(SYS_process_vm_readv, raw_syscall(SYS_getpid), reg(&local), 1, reg(&remote), 1, 0) ==
         static_cast<long>(size);
}

bool polls(const Task& task, std::uint32_t fd) {
  pollfd polled;
  const std::uint64_t count = std::min<std::uint64_t>(task.arguments[1], 1024);
  for (std::uint64_t i = 0; i < count; i++) {
    if (!copy_from_here(task.arguments[0] + i * sizeof polled, &polled, sizeof polled)) return false;
    if (polled.fd == static_cast<int>(fd)) return true;
  }
  return false;
}

bool selects(const Task& task, std::uint32_t fd) {
  std::uint64_t word = 0;
  if (fd >= task.arguments[0] || task.arguments[1] == 0) return false;
  return copy_from_here(task.arguments[1] + std::uint64_t{fd} / 64 * 8, &word, sizeof word) &&
         ((word >> (fd % 64)) & 1U) != 0;
}

bool waits_on(const Task& task, std::uint32_t fd) {
  const Call* call = find_call(task.call);
  if (call == nullptr) return false;
  if (call->on_descriptor) return task.arguments[0] == fd;
  switch (task.call) {
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
      return polls(task, fd);
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6:
      return selects(task, fd);
    default:
      return false;
  }
}

// ----------------------------------------------------------------------------------------------------------

// Text that is cut, never overrun.
class Line {
 public:
  Line(char* text, std::size_t room) : at_(text), end_(text + room - 1) { *at_ = '\0'; }
  Line& add(const char* text) {
    while (*text != '\0' && at_ != end_) *at_++ = *text++;
    *at_ = '\0';
    return *this;
  }
  Line& add(std::uint64_t value) {
    char room[decimal::kRoom];
    return add(decimal::write(value, room));
  }

 private:
  char* at_;
  char* end_;
};

bool same_doing(const Task& a, const Task& b) { return a.call == b.call && std::strcmp(a.name, b.name) == 0; }

}  // namespace

bool Inquiry::want(std::uint64_t inode) {
  for (std::uint32_t i = 0; i < wanted; i++) {
    if (inodes[i] == inode) return true;
  }
  if (inode == 0 || wanted == kMaxWanted) return false;
  inodes[wanted++] = inode;
  return true;
}

const Holder* Inquiry::holder_of(std::uint64_t inode) const {
  for (std::uint32_t i = 0; i < wanted; i++) {
    if (inodes[i] == inode) return &holders[i];
  }
  return nullptr;
}

const Task* Inquiry::task_of(std::uint32_t tid) const {
  for (std::uint32_t i = 0; i < tasks; i++) {
    if (task[i].tid == tid) return &task[i];
  }
  return nullptr;
}

const Task* Inquiry::waiting_on(std::uint32_t fd) const {
  for (std::uint32_t i = 0; i < tasks; i++) {
    if (waits_on(task[i], fd)) return &task[i];
  }
  return nullptr;
}

void take_inquiry(Inquiry& inquiry) {
  find_holders(inquiry);
  call_the_roll(inquiry);
}

const char* call_name(long number) {
  const Call* call = find_call(number);
  return call == nullptr ? "" : call->name;
}

bool is_idle_call(long number) {
  const Call* call = find_call(number);
  return call != nullptr && call->idle;
}

void describe_call(const Task& task, char* text, std::size_t room) {
  Line line(text, room);
  const Call* call = find_call(task.call);
  if (task.call < 0) {
    line.add("running");
  } else if (call == nullptr) {
    line.add("system call ").add(static_cast<std::uint64_t>(task.call));
  } else {
    line.add(call->name);
    if (call->on_descriptor) line.add("(fd ").add(task.arguments[0]).add(")");
  }
}

void describe_tasks(const Inquiry& inquiry, char* text, std::size_t room) {
  bool told[kMaxTasks] = {};
  Line line(text, room);
  for (bool first = true;; first = false) {
    std::uint32_t best = kMaxTasks;
    std::uint32_t most = 0;
    for (std::uint32_t i = 0; i < inquiry.tasks; i++) {
      std::uint32_t count = 0;
      for (std::uint32_t k = i; !told[i] && k < inquiry.tasks; k++)
        count += same_doing(inquiry.task[i], inquiry.task[k]) ? 1U : 0U;
      if (count > most) most = count, best = i;
    }
    if (most == 0) return;
    for (std::uint32_t k = best; k < inquiry.tasks; k++)
      told[k] = told[k] || same_doing(inquiry.task[best], inquiry.task[k]);
    char doing[40];
    describe_call(inquiry.task[best], doing, sizeof doing);
    if (!first) line.add(", ");
    line.add(inquiry.task[best].name);
    if (most > 1) line.add(" x").add(most);
    line.add(" in ").add(doing);
  }
}

}  // namespace socktrack
