#include "cli/process_sockets.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>

#include "cli/printable.h"
#include "cli/process_facts.h"

namespace socktrack {
namespace {

constexpr std::string_view kSocket = "socket:[";
constexpr std::string_view kEpoll = "anon_inode:[eventpoll]";

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

// -1 if the name is no number.
int number(const char* text) {
  int value = -1;
  const auto parsed = std::from_chars(text, text + std::strlen(text), value);
  return parsed.ec == std::errc{} && *parsed.ptr == '\0' ? value : -1;
}

// "socket:[123]" and "net:[123]" are 123.
std::uint64_t inode_in(std::string_view link) {
  std::uint64_t inode = 0;
  const std::size_t start = link.find('[');
  if (start != std::string_view::npos)
    std::from_chars(link.data() + start + 1, link.data() + link.size(), inode);
  return inode;
}

template <std::size_t size>
std::string_view read_link(int directory, const char* name, char (&place)[size]) {
  const ssize_t length = readlinkat(directory, name, place, size);
  return {place, length > 0 ? static_cast<std::size_t>(length) : 0};
}

void read_descriptors(ProcessSockets& process) {
  const Directory directory(opendir(proc_file(process.pid, "fd").c_str()), closedir);
  if (!directory) return;
  process.readable = true;
  char link[64];
  while (const dirent* entry = readdir(directory.get())) {
    const int fd = number(entry->d_name);
    if (fd < 0) continue;
    ++process.fds_open;
    const std::string_view target = read_link(dirfd(directory.get()), entry->d_name, link);
    if (target.starts_with(kSocket)) process.sockets.push_back({fd, inode_in(target)});
    if (target == kEpoll) process.epolls.push_back(fd);
  }
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::uint64_t descriptor_limit(int pid) {
  std::ifstream file(proc_file(pid, "limits"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Max open files")) return std::strtoull(line.c_str() + 14, nullptr, 10);
  }
  return 0;
}

bool is_kernel_thread(int pid) {
  char link[8];
  return readlink(proc_file(pid, "exe").c_str(), link, sizeof link) < 0 && errno == ENOENT;
}

}  // namespace

std::vector<int> all_processes() {
  std::vector<int> pids;
  const Directory directory(opendir("/proc"), closedir);
  while (const dirent* entry = directory ? readdir(directory.get()) : nullptr) {
    const int pid = number(entry->d_name);
    if (pid > 0 && pid != getpid() && !is_kernel_thread(pid)) pids.push_back(pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

ProcessSockets read_process_sockets(int pid) {
  ProcessSockets process;
  process.pid = pid;
  process.name = printable(first_line(proc_file(pid, "comm")));
  struct stat facts {};
  if (stat(proc_file(pid, "").c_str(), &facts) == 0) process.uid = facts.st_uid;
  process.network_namespace = network_namespace_of(pid);
  process.fds_limit = descriptor_limit(pid);
  read_descriptors(process);
  return process;
}

std::uint64_t network_namespace_of(int pid) {
  char link[64];
  return inode_in(read_link(AT_FDCWD, proc_file(pid, "ns/net").c_str(), link));
}

std::unordered_set<std::uint64_t> inodes_in_epoll(const ProcessSockets& process) {
  std::unordered_set<std::uint64_t> inodes;
  for (const int epoll : process.epolls) {
    std::ifstream file(proc_file(process.pid, "fdinfo/") + std::to_string(epoll));
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with("tfd:")) continue;
      const std::size_t at = line.find("ino:");
      if (at != std::string::npos) inodes.insert(std::strtoull(line.c_str() + at + 4, nullptr, 16));
    }
  }
  return inodes;
}

std::string protocol_of(int pid, const SocketDescriptor& descriptor) {
  const std::string path = proc_file(pid, "fd/") + std::to_string(descriptor.fd);
  char name[64];
  const ssize_t length = getxattr(path.c_str(), "system.sockprotoname", name, sizeof name);
  char link[64];
  if (inode_in(read_link(AT_FDCWD, path.c_str(), link)) != descriptor.inode || length <= 0) return "";
  return {name, strnlen(name, static_cast<std::size_t>(length))};
}

}  // namespace socktrack
