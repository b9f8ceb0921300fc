#include "watch/proc_scan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "watch/decimal.h"
#include "watch/raw_syscall.h"

namespace socktrack::proc {
namespace {

struct Entry {  // linux_dirent64
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t size;
  std::uint8_t type;
  char name[1];
};

bool is_number(const char* name) {
  const char* at = name;
  while (*at >= '0' && *at <= '9') at++;
  return at != name && *at == '\0';
}

}  // namespace

int open_directory(int parent, const char* path) {
  const long fd = raw_syscall(SYS_openat, parent, reg(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return raw_failed(fd) ? -1 : static_cast<int>(fd);
}

void close(int fd) { raw_syscall(SYS_close, fd); }

std::size_t read_file(int parent, const char* path, char* text, std::size_t room) {
  text[0] = '\0';
  const long fd = raw_syscall(SYS_openat, parent, reg(path), O_RDONLY | O_CLOEXEC);
  if (raw_failed(fd)) return 0;
  const long size = raw_syscall(SYS_read, fd, reg(text), static_cast<long>(room - 1));
  raw_syscall(SYS_close, fd);
  if (size <= 0) return 0;
  text[size] = '\0';
  return static_cast<std::size_t>(size);
}

std::uint64_t socket_of(int parent, const char* link) {
  constexpr char kStart[] = "socket:[";
  constexpr long kLength = sizeof kStart - 1;
  char text[64];
  const long size = raw_syscall(SYS_readlinkat, parent, reg(link), reg(text), sizeof text);
  if (size <= kLength || std::memcmp(text, kStart, kLength) != 0) return 0;
  return decimal::read(text + kLength, text + size);
}

void for_each_number(int directory, EachNumber each, void* context) {
  alignas(Entry) char buffer[4096];
  for (;;) {
    const long size = raw_syscall(SYS_getdents64, directory, reg(buffer), sizeof buffer);
    if (size <= 0) return;
    for (long at = 0; at < size;) {
      std::uint16_t length = 0;
      std::memcpy(&length, buffer + at + offsetof(Entry, size), sizeof length);
      if (length == 0) return;
      const char* name = buffer + at + offsetof(Entry, name);
      at += length;
      if (!is_number(name)) continue;
      if (!each(context, static_cast<std::uint32_t>(decimal::read(name, name + strlen(name))), name)) return;
    }
  }
}

std::uint64_t count_of_descriptors() {
  struct stat facts {};
  if (raw_failed(raw_syscall(SYS_newfstatat, AT_FDCWD, reg("/proc/self/fd"), reg(&facts), 0))) return 0;
  return static_cast<std::uint64_t>(facts.st_size);
}

}  // namespace socktrack::proc
