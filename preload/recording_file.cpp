#include "preload/recording_file.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "preload/process.h"
#include "preload/real.h"
#include "preload/small_text.h"
#include "socktrack/recording.h"
#include "watch/raw_syscall.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace socktrack {
namespace {

constexpr std::uint64_t kLeastRoom = 1U << 20U;

// The directory once it was chosen; children of this process use the same.
char g_directory[1024];
char g_file[128];  // in it: the file made last

struct Job {
  const char* directory;
  std::size_t size;
  RecordingMemory memory;
};

void random_letters(char* out, std::size_t count) {
  static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::uint8_t bytes[32] = {};
  raw_syscall(SYS_getrandom, reg(bytes), static_cast<long>(count), GRND_NONBLOCK);
  for (std::size_t i = 0; i < count; i++) out[i] = kLetters[bytes[i] & 31U];
  out[count] = '\0';
}

void choose_directory(const char* asked) {
  if (g_directory[0] != '\0') return;
  SmallText text{g_directory, sizeof g_directory};
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (asked[0] != '\0') {
    text.add(asked);
  } else if (runtime != nullptr && runtime[0] == '/') {
    text.add(runtime).add("/socktrack");
  } else if (raw_syscall(SYS_geteuid) == 0) {
    text.add("/run/socktrack");
  } else {
    char letters[17];
    random_letters(letters, 16);
    text.add("/dev/shm/socktrack.").add(letters);  // shared directory: the name must not be guessable
  }
}

// A directory of the user's own that nobody else can write, not reached over a symlink. Descriptor or -errno.
long open_directory(const char* path) {
  raw_syscall(SYS_mkdirat, AT_FDCWD, reg(path), 0700);
  const long fd =
      raw_syscall(SYS_openat, AT_FDCWD, reg(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (raw_failed(fd)) return fd;
  struct stat facts {};
  long answer = raw_syscall(SYS_fstat, fd, reg(&facts));
  const bool others = facts.st_uid != static_cast<uid_t>(raw_syscall(SYS_geteuid));
  if (!raw_failed(answer) && (others || (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)) answer = -EPERM;
  if (!raw_failed(answer)) return fd;
  raw_syscall(SYS_close, fd);
  return answer;
}

std::uint64_t boot_time_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

// program-PID-TIME.socktrack
void file_name(char* out, std::size_t size, long pid) {
  SmallText text{out, size};
  for (const char* c = process::name(); *c != '\0'; c++) {
    const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                       *c == '.' || *c == '_' || *c == '-';
    text.add(plain ? *c : '_');
  }
  text.add("-").add(static_cast<std::uint64_t>(pid)).add("-").add_hex(boot_time_ns()).add(kRecordingSuffix);
}

// Before Linux 5.14 pages cannot be populated one by one: then the whole file is allocated at once.
long settle_memory(long fd, void* start, std::size_t size, bool& populate) {
  const long answer = raw_syscall(SYS_madvise, reg(start), kPage, MADV_POPULATE_WRITE);
  populate = !raw_failed(answer);
  if (answer == -EINVAL) return raw_syscall(SYS_fallocate, fd, 0, 0, static_cast<long>(size));
  return answer;
}

// Pages are taken as they are needed; a file system that is as good as full would give out after a few.
bool has_room(long fd) {
  struct statfs facts {};
  if (raw_failed(raw_syscall(SYS_fstatfs, fd, reg(&facts)))) return true;
  return static_cast<std::uint64_t>(facts.f_bavail) * static_cast<std::uint64_t>(facts.f_bsize) >= kLeastRoom;
}

// The file's memory, or -errno.
long memory_of(Job& job, long fd) {
  if (!has_room(fd)) return -ENOSPC;
  long answer = raw_syscall(SYS_ftruncate, fd, static_cast<long>(job.size));
  if (raw_failed(answer)) return answer;
  answer = raw_syscall(SYS_mmap, 0, static_cast<long>(job.size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (raw_failed(answer)) return answer;
  void* start = reinterpret_cast<void*>(answer);
  //   Hazard: for the first page ext4 reads ahead, and fills two megabytes of a file that has none: 3 ms.
  //   Rule: page by page.
  raw_syscall(SYS_madvise, reg(start), static_cast<long>(job.size), MADV_RANDOM);
  answer = settle_memory(fd, start, job.size, job.memory.populate);
  if (raw_failed(answer)) {
    raw_syscall(SYS_munmap, reg(start), static_cast<long>(job.size));
    return answer;
  }
  job.memory.start = start;
  job.memory.shared = true;
  return 0;
}

long make_file(Job& job) {
  const long directory = open_directory(job.directory);
  if (raw_failed(directory)) return directory;
  long answer = raw_syscall(SYS_openat, directory, reg(g_file),
                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (!raw_failed(answer)) {
    const long fd = answer;
    answer = memory_of(job, fd);
    raw_syscall(SYS_close, fd);
    if (raw_failed(answer)) raw_syscall(SYS_unlinkat, directory, reg(g_file), 0);
  }
  raw_syscall(SYS_close, directory);
  return answer;
}

// Runs in a child that shares our memory but has a descriptor table of its own.
int file_maker(void* argument) {
  raw_syscall(SYS_close_range, 0, ~0U, 0);  // room, should the program's table be full
  Job& job = *static_cast<Job*>(argument);
  job.memory.error = static_cast<int>(-make_file(job));
  raw_syscall(SYS_exit, 0);
  return 0;
}

// Hazard: opening a file here takes, for a moment, the number another thread's open() would have got; and
// with all numbers in use it fails. Rule: the file is opened and mapped by a child that shares memory
// (CLONE_VM) and copies the descriptors (no CLONE_FILES), with all signals blocked, as posix_spawn does.
// It sends no SIGCHLD (exit signal 0) and only __WCLONE waits can see it.
long make_in_helper(Job& job) {
  alignas(16) static char stack[32 * 1024];
  const int saved = errno;
  const long child =
      real.clone(file_maker, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &job, nullptr, nullptr, nullptr);
  const long failed_with = child > 0 ? 0 : -errno;
  errno = saved;
  if (child > 0) {
    int status = 0;
    while (raw_syscall(SYS_wait4, child, reg(&status), static_cast<long>(__WCLONE), 0) == -EINTR) {
    }
  }
  return failed_with;
}

void make(Job& job, bool alone) {
  if (alone) {
    job.memory.error = static_cast<int>(-make_file(job));
    if (job.memory.error != EMFILE) return;
  }
  const long helper = make_in_helper(job);
  if (raw_failed(helper)) job.memory.error = static_cast<int>(-helper);
  // No kernel says that: we are in an emulator (qemu's user mode). Two numbers are taken for a moment.
  if (helper == -EINVAL) job.memory.error = static_cast<int>(-make_file(job));
}

}  // namespace

void discard_recording_memory(const RecordingMemory& memory) {
  if (!memory.shared) return;
  char path[sizeof g_directory + sizeof g_file];
  SmallText{path, sizeof path}.add(g_directory).add('/').add(g_file);
  raw_syscall(SYS_unlinkat, AT_FDCWD, reg(path), 0);
}

const char* recording_directory() { return g_directory; }

RecordingMemory make_recording_memory(const char* directory, std::size_t size, bool alone) {
  choose_directory(directory);
  Job job{g_directory, size, {}};
  std::uint64_t everything = ~std::uint64_t{0};
  std::uint64_t before = 0;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, reg(&everything), reg(&before), sizeof before);
  file_name(g_file, sizeof g_file, raw_syscall(SYS_getpid));
  make(job, alone);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, reg(&before), 0, sizeof before);
  if (job.memory.start != nullptr) return job.memory;
  const long answer = raw_syscall(SYS_mmap, 0, static_cast<long>(size), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  job.memory.start = raw_failed(answer) ? nullptr : reinterpret_cast<void*>(answer);
  job.memory.populate = false;
  return job.memory;
}

}  // namespace socktrack
