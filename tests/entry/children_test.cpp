// fork, vfork, _Fork: whose table is it?
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "own_recording.h"
#include "peers.h"

extern "C" pid_t __vfork(void) __attribute__((returns_twice));

using namespace entry;
namespace flag = socktrack::slot_flag;

namespace {

class Children : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
};

int status_of(pid_t child) {
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Runs `body` in a forked child; the test passes there if it returns true.
void in_child(pid_t (*make)(), const std::function<bool()>& body) {
  const pid_t child = make();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(body() ? 0 : 1);
  EXPECT_EQ(status_of(child), 0);
}

bool child_takes_over(int listener_fd, const std::string& parents_path) {
  const Descriptor own(socket(AF_INET, SOCK_STREAM, 0));  // its recording begins here
  if (recording_path() == parents_path || recording_path().empty()) return false;
  if (!slot_of(own.get()).live || !slot_of(listener_fd).live) return false;
  if ((slot_of(listener_fd).flags & flag::inherited) == 0) return false;
  return slot_of(listener_fd).open_site != 0;
}

}  // namespace

// In the child: nothing but plain calls between vfork and _exit (gcc -Wclobbered).
#define CLOSES_IN_A_CHILD(make) \
  [](int fd) {                  \
    const pid_t child = make(); \
    if (child == 0) {           \
      close(fd);                \
      close_range(3, ~0U, 0);   \
      _exit(0);                 \
    }                           \
    return child;               \
  }

int closes_both(void* fd) {
  close(*static_cast<int*>(fd));
  close_range(3, ~0U, 0);
  return 0;
}

pid_t clone_that_closes(int fd) {
  alignas(16) static char stack[64 * 1024];
  static int number;
  number = fd;
  return clone(closes_both, stack + sizeof stack, CLONE_VM | SIGCHLD, &number);
}

struct InOurMemory {
  const char* name;
  pid_t (*child_that_closes)(int fd);
};
const InOurMemory kInOurMemory[] = {
    {"vfork", CLOSES_IN_A_CHILD(vfork)},
    {"__vfork", CLOSES_IN_A_CHILD(__vfork)},
    {"clone", clone_that_closes},
};
void PrintTo(const InOurMemory& one, std::ostream* out) { *out << one.name; }
class EveryVfork : public testing::TestWithParam<InOurMemory> {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    if (GetParam().name == std::string("clone"))
      GTEST_SKIP() << "to TSan that child and the thread that made it are one, and run at the same time";
#endif
    ASSERT_TRUE(library_is_loaded());
  }
};

INSTANTIATE_TEST_SUITE_P(Vforks, EveryVfork, testing::ValuesIn(kInOurMemory),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_P(EveryVfork, ChildCannotTouchTheTable) {
  ASSERT_TRUE(library_is_loaded());
  Connection connection = connect_pair();
  const int fd = connection.ours.get();
  const std::uint64_t before = closed();
  const pid_t child = GetParam().child_that_closes(fd);
  ASSERT_GT(child, 0);
  EXPECT_EQ(status_of(child), 0);
  EXPECT_TRUE(slot_of(fd).live);
  EXPECT_EQ(closed(), before);
  EXPECT_EQ(send(connection.peer.get(), "x", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(recv(fd, &byte, 1, 0), 1);
}

// Closed by a child, then by us: ours is a close.
TEST_P(EveryVfork, OursIsAClose) {
  Connection connection = connect_pair();
  const int fd = connection.ours.get();
  EXPECT_EQ(status_of(GetParam().child_that_closes(fd)), 0);
  const std::uint64_t before = closed();
  ASSERT_EQ(close(connection.ours.release()), 0);
  EXPECT_FALSE(slot_of(fd).live);
  EXPECT_EQ(closed(), before + 1);
}

TEST_F(Children, ForkedChildHasItsOwnRecordingAndInheritedSlots) {
  const Descriptor listener(listening_socket());
  const std::string path = recording_path();
  in_child(fork, [&] { return child_takes_over(listener.get(), path); });
  EXPECT_TRUE(slot_of(listener.get()).live);
}

// As daemons fork, and servers that want no zombies: the one in between touches nothing.
TEST_F(Children, GrandchildTakesOver) {
  const Descriptor listener(listening_socket());
  const std::string path = recording_path();
  in_child(fork, [&] {
    const pid_t child = fork();
    if (child == 0) _exit(child_takes_over(listener.get(), path) ? 0 : 1);
    return status_of(child) == 0;
  });
}

// The child makes its file at once, and by itself: no number may be missing after that, or have been needed.
TEST_F(Children, ForkedChildRecordsWithoutANumberToSpare) {
  const Descriptor listener(listening_socket());
  const std::string path = recording_path();
  const Descriptor lowest(dup(0));
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none_left{static_cast<rlim_t>(lowest.get()) + 1, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const auto body = [&] {
    if (dup(0) != -1 || errno != EMFILE) return false;
    setrlimit(RLIMIT_NOFILE, &limit);
    return dup(0) == lowest.get() + 1 && child_takes_over(listener.get(), path);
  };
  in_child(fork, body);
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(dup(0), lowest.get() + 1);
}

TEST_F(Children, SilentForkIsNoticed) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan does not notice it: to it the threads of the parent go on in the child";
#endif
  const Descriptor listener(listening_socket());
  const std::string path = recording_path();
  in_child(_Fork, [&] { return child_takes_over(listener.get(), path); });
}

TEST_F(Children, ChildsClosesAreItsOwn) {
  Connection connection = connect_pair();
  const std::uint64_t before = closed();
  in_child(fork, [&] { return close(connection.ours.get()) == 0; });
  EXPECT_TRUE(slot_of(connection.ours.get()).live);
  EXPECT_EQ(closed(), before);
}

TEST_F(Children, ChildSeesEndOfStreamOnAnInheritedSocket) {
  Connection connection = connect_pair();
  // Not closed: the child's copy of the peer would hold the stream open.
  ASSERT_EQ(shutdown(connection.peer.get(), SHUT_WR), 0);
  in_child(fork, [&] {
    char byte = 0;
    if (recv(connection.ours.get(), &byte, 1, 0) != 0) return false;
    const SlotView slot = slot_of(connection.ours.get());
    return slot.sighted && (slot.flags & flag::inherited) != 0;
  });
  EXPECT_FALSE(slot_of(connection.ours.get()).sighted);
}

TEST_F(Children, ManyForksWhileOthersCapture) {
  const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));
  for (int i = 0; i < 100; i++) {
    in_child(fork, [] { return Descriptor(socket(AF_INET, SOCK_STREAM, 0)).get() >= 0; });
  }
}
