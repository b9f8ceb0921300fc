// Ways to become another program, or another process inside libc: exec, daemon, clone, quick_exit.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>

#include "own_recording.h"
#include "peers.h"

using namespace entry;
using socktrack::BlindSpot;
using socktrack::EndedBy;

extern "C" int __clone(int (*)(void*), void*, int, void*, ...);

namespace {

using Arguments = char* const*;

// Every form is given fourteen arguments, more than travel in registers.
struct Exec {
  const char* name;
  int (*call)(const char* path, Arguments argv, Arguments environment);
};
#define ALL_OF(a) a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13]
#define NOBODY static_cast<char*>(nullptr)

int set_and(Arguments environment, int (*call)(const char*, Arguments), const char* path, Arguments argv) {
  environ = const_cast<char**>(environment);
  return call(path, argv);
}

int by_descriptor(const char* path, Arguments argv, Arguments environment) {
  const int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return -1;
  return fexecve(fd, argv, environment);
}

const Exec kExecs[] = {
    {"execve", [](const char* path, Arguments argv, Arguments env) { return execve(path, argv, env); }},
    {"execv",
     [](const char* path, Arguments argv, Arguments env) { return set_and(env, execv, path, argv); }},
    {"execvp",
     [](const char* path, Arguments argv, Arguments env) { return set_and(env, execvp, path, argv); }},
    {"execvpe", [](const char* path, Arguments argv, Arguments env) { return execvpe(path, argv, env); }},
    {"fexecve", by_descriptor},
    {"execveat",
     [](const char* path, Arguments argv, Arguments env) { return execveat(AT_FDCWD, path, argv, env, 0); }},
    {"execl",
     [](const char* path, Arguments a, Arguments env) {
       environ = const_cast<char**>(env);
       return execl(path, ALL_OF(a), NOBODY);
     }},
    {"execlp",
     [](const char* path, Arguments a, Arguments env) {
       environ = const_cast<char**>(env);
       return execlp(path, ALL_OF(a), NOBODY);
     }},
    {"execle",
     [](const char* path, Arguments a, Arguments env) { return execle(path, ALL_OF(a), NOBODY, env); }},
    {"syscall_execve", [](const char* path, Arguments argv,
                          Arguments env) { return static_cast<int>(syscall(SYS_execve, path, argv, env)); }},
};

void PrintTo(const Exec& exec, std::ostream* out) { *out << exec.name; }
std::string name_of(const testing::TestParamInfo<Exec>& info) { return info.param.name; }

class EveryExec : public testing::TestWithParam<Exec> {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
};

// What a child says through a pipe, and its wait status.
struct Child {
  std::string said;
  int status = -1;
};

Child run(const std::function<void(int to)>& body) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    body(ends[1]);
    _exit(99);
  }
  close(ends[1]);
  Child child;
  char part[512];
  for (ssize_t n = 0; (n = read(ends[0], part, sizeof part)) > 0;)
    child.said.append(part, static_cast<size_t>(n));
  close(ends[0]);
  waitpid(pid, &child.status, 0);
  return child;
}

void say(int to, const std::string& text) {
  if (write(to, text.data(), text.size()) < 0) _exit(98);
}

EndedBy ended_by(const std::string& path) {
  return static_cast<EndedBy>(socktrack::RecordingView::of_file(path).header().ended_by.load());
}

const char* const kArguments[] = {"sh", "-c", "test \"$1$2$3$4$5$6$7$8$9${10}\" = abcdefghij && exit $WANTED",
                                  "sh", "a",  "b",
                                  "c",  "d",  "e",
                                  "f",  "g",  "h",
                                  "i",  "j",  nullptr};

int returns_seven(void* argument) { return *static_cast<int*>(argument); }

struct CloneCall {
  const char* name;
  int (*call)(int (*)(void*), void*, int, void*);
};
const CloneCall kClones[] = {
    {"clone", [](int (*f)(void*), void* stack, int flags, void* a) { return clone(f, stack, flags, a); }},
    {"__clone", [](int (*f)(void*), void* stack, int flags, void* a) { return __clone(f, stack, flags, a); }},
};
void PrintTo(const CloneCall& call, std::ostream* out) { *out << call.name; }
class EveryClone : public testing::TestWithParam<CloneCall> {};

struct Leave {
  const char* name;
  void (*call)(int status);
  EndedBy by;
};
const Leave kLeaves[] = {
    {"_exit", [](int status) { _exit(status); }, EndedBy::underscore_exit},
    {"_Exit", [](int status) { _Exit(status); }, EndedBy::underscore_exit},
    {"quick_exit", [](int status) { quick_exit(status); }, EndedBy::exit},
    {"syscall_exit_group", [](int status) { syscall(SYS_exit_group, status); }, EndedBy::underscore_exit},
    {"daemon",
     [](int) {
       if (daemon(1, 1) == 0) _exit(0);
     },
     EndedBy::underscore_exit},
};
void PrintTo(const Leave& leave, std::ostream* out) { *out << leave.name; }
class EveryLeave : public testing::TestWithParam<Leave> {};

}  // namespace

TEST_P(EveryExec, EndsTheRecordingAndPassesEverything) {
  const Child child = run([](int to) {
    const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));
    say(to, recording_path());
    const std::string preload = std::string("LD_PRELOAD=") + getenv("LD_PRELOAD");
    const char* environment[] = {"WANTED=7", preload.c_str(), nullptr};
    GetParam().call("/bin/sh", const_cast<Arguments>(kArguments), const_cast<Arguments>(environment));
  });
  ASSERT_TRUE(WIFEXITED(child.status));
  EXPECT_EQ(WEXITSTATUS(child.status), 7);
  EXPECT_EQ(ended_by(child.said), EndedBy::exec);
}

TEST_P(EveryExec, FailureChangesNothing) {
  const Child child = run([](int to) {
    const Connection connection = connect_pair();
    const char* environment[] = {"WANTED=7", nullptr};
    errno = 0;
    const int result = GetParam().call("/nowhere/at/all", const_cast<Arguments>(kArguments),
                                       const_cast<Arguments>(environment));
    if (result != -1 || errno != ENOENT) _exit(1);
    if (ended_by(recording_path()) != EndedBy::not_yet) _exit(2);
    if (!slot_of(connection.ours.get()).live) _exit(3);
    const Descriptor another(socket(AF_INET, SOCK_STREAM, 0));
    if (!slot_of(another.get()).live) _exit(4);
    say(to, "same");
    _exit(0);
  });
  EXPECT_EQ(child.said, "same");
  EXPECT_EQ(child.status, 0);
}

// A child of root has a file from its first moment on.
TEST_P(EveryExec, OfAChildThatOpenedNothingLeavesNoFile) {
  if (geteuid() != 0) GTEST_SKIP() << "not root: such a child has no file";
  const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));
  const std::filesystem::path directory = std::filesystem::path(recording_path()).parent_path();
  const Child child = run([&](int to) {
    const std::string mine = "-" + std::to_string(getpid()) + "-";
    const auto files = [&] {  // those of earlier runs, with the same number, too
      int found = 0;
      for (const auto& entry : std::filesystem::directory_iterator(directory))
        found += entry.path().filename().string().find(mine) != std::string::npos ? 1 : 0;
      return found;
    };
    const int before = files();
    const char* environment[] = {"WANTED=7", nullptr};
    GetParam().call("/", const_cast<Arguments>(kArguments), const_cast<Arguments>(environment));
    say(to, files() == before - 1 ? "removed" : "kept");
    const Descriptor own(socket(AF_INET, SOCK_STREAM, 0));
    _exit(slot_of(own.get()).live && files() == before ? 0 : 1);  // the exec failed: it has one again
  });
  EXPECT_EQ(child.said, "removed");
  EXPECT_EQ(child.status, 0);
}

TEST_P(EveryExec, InAVforkChildWritesNothing) {
  const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));
  const std::string path = recording_path();
  const pid_t pid = vfork();
  if (pid == 0) {
    GetParam().call("/nowhere/at/all", const_cast<Arguments>(kArguments), environ);
    _exit(ended_by(path) == EndedBy::not_yet ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ended_by(path), EndedBy::not_yet);
}

TEST_P(EveryClone, RunsTheChildWithItsArgument) {
  ASSERT_TRUE(library_is_loaded());
  const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));
  alignas(16) static char stack[64 * 1024];
  int seven = 7;
  const std::uint64_t before = counted(BlindSpot::foreign_child);
  for (const int flags : {CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_FILES | SIGCHLD}) {
    const int pid = GetParam().call(returns_seven, stack + sizeof stack, flags, &seven);
    ASSERT_GT(pid, 0);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 7);
  }
  EXPECT_EQ(counted(BlindSpot::foreign_child), before + 1);  // the one that shares descriptors alone
  EXPECT_EQ(GetParam().call(nullptr, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_P(EveryLeave, EndsTheRecordingWithItsStatus) {
  ASSERT_TRUE(library_is_loaded());
  const Child child = run([](int to) {
    const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));
    say(to, recording_path());
    GetParam().call(5);
  });
  ASSERT_TRUE(WIFEXITED(child.status));
  const int wanted = std::string(GetParam().name) == "daemon" ? 0 : 5;
  EXPECT_EQ(WEXITSTATUS(child.status), wanted);
  EXPECT_EQ(ended_by(child.said), GetParam().by);
  EXPECT_EQ(socktrack::RecordingView::of_file(child.said).header().exit_status.load(),
            static_cast<std::uint32_t>(wanted));
}

namespace {

struct ThreadEnd {
  const char* name;
  void (*call)(void* value);
};
class EveryThreadEnd : public testing::TestWithParam<ThreadEnd> {};

struct Cleaned {
  bool& done;
  ~Cleaned() { done = true; }
};

}  // namespace

// Of the main thread: tests/scenario, MainThread.
TEST_P(EveryThreadEnd, UnwindsAndGivesItsValue) {
  ASSERT_TRUE(library_is_loaded());
  bool cleaned = false;
  pthread_t thread;
  void* value = nullptr;
  const auto body = [](void* argument) -> void* {
    const Cleaned cleaner{*static_cast<bool*>(argument)};
    GetParam().call(argument);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, body, &cleaned), 0);
  ASSERT_EQ(pthread_join(thread, &value), 0);
  EXPECT_EQ(value, &cleaned);
  EXPECT_TRUE(cleaned);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryThreadEnd, testing::Values(ThreadEnd{"pthread_exit", pthread_exit}),
                         [](const auto& one) { return std::string(one.param.name); });
INSTANTIATE_TEST_SUITE_P(Table, EveryExec, testing::ValuesIn(kExecs), name_of);
INSTANTIATE_TEST_SUITE_P(Table, EveryClone, testing::ValuesIn(kClones),
                         [](const auto& one) { return std::string(one.param.name); });
INSTANTIATE_TEST_SUITE_P(Table, EveryLeave, testing::ValuesIn(kLeaves),
                         [](const auto& one) { return std::string(one.param.name); });
