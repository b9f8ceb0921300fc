// Every way a descriptor goes out of use, is copied, or is overwritten. One line a way.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <ostream>
#include <string>
#include <thread>

#include "own_recording.h"
#include "peers.h"

using namespace entry;

extern "C" {
int __close(int);
int __dup2(int, int);
int __fcntl(int, int, ...);
}
namespace flag = socktrack::slot_flag;

namespace {

struct Release {
  const char* name;
  std::function<int(int)> call;
};

const Release kReleases[] = {
    {"close", [](int fd) { return close(fd); }},
    {"syscall", [](int fd) { return static_cast<int>(syscall(SYS_close, fd)); }},
    {"close_range",
     [](int fd) { return close_range(static_cast<unsigned>(fd), static_cast<unsigned>(fd), 0); }},
    {"syscall_close_range", [](int fd) { return static_cast<int>(syscall(SYS_close_range, fd, fd, 0)); }},
    {"__close", [](int fd) { return __close(fd); }},
    {"closefrom",
     [](int fd) {
       closefrom(fd);
       return 0;
     }},
};

void PrintTo(const Release& release, std::ostream* out) { *out << release.name; }

struct Copy {
  const char* name;
  std::function<int(int)> call;
};

constexpr int kFree = 900;
const Copy kCopies[] = {
    {"dup", [](int fd) { return dup(fd); }},
    {"dup2", [](int fd) { return dup2(fd, kFree); }},
    {"__dup2", [](int fd) { return __dup2(fd, kFree); }},
    {"dup3", [](int fd) { return dup3(fd, kFree, O_CLOEXEC); }},
    {"fcntl", [](int fd) { return fcntl(fd, F_DUPFD, kFree); }},
    {"fcntl64", [](int fd) { return fcntl64(fd, F_DUPFD, kFree); }},
    {"__fcntl", [](int fd) { return __fcntl(fd, F_DUPFD, kFree); }},
    {"fcntl_cloexec", [](int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, kFree); }},
    {"syscall_dup", [](int fd) { return static_cast<int>(syscall(SYS_dup, fd)); }},
    {"syscall_dup3", [](int fd) { return static_cast<int>(syscall(SYS_dup3, fd, kFree, 0)); }},
    {"syscall_fcntl", [](int fd) { return static_cast<int>(syscall(SYS_fcntl, fd, F_DUPFD, kFree)); }},
};

void PrintTo(const Copy& copy, std::ostream* out) { *out << copy.name; }

template <typename T>
std::string name_of(const testing::TestParamInfo<T>& info) {
  return info.param.name;
}

class EveryRelease : public testing::TestWithParam<Release> {};
class EveryCopy : public testing::TestWithParam<Copy> {};

class Loaded : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
};

using Releases = Loaded;

}  // namespace

TEST_P(EveryRelease, EndsTheGeneration) {
  ASSERT_TRUE(library_is_loaded());
  Connection connection = connect_pair();
  const int fd = connection.ours.release();
  const SlotView before = slot_of(fd);
  ASSERT_TRUE(before.live);
  const std::uint64_t closed_before = closed();
  errno = 4711;
  EXPECT_EQ(GetParam().call(fd), 0);
  EXPECT_EQ(errno, 4711);
  EXPECT_FALSE(slot_of(fd).live);
  EXPECT_GE(closed(), closed_before + 1);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  // The number in its next life knows nothing of the last.
  const Descriptor next(socket(AF_INET, SOCK_STREAM, 0));
  if (next.get() == fd) {
    EXPECT_EQ(slot_of(fd).generation, before.generation + 1);
  }
}
INSTANTIATE_TEST_SUITE_P(Table, EveryRelease, testing::ValuesIn(kReleases), name_of<Release>);

TEST_P(EveryCopy, IsTheSameSocketTwice) {
  ASSERT_TRUE(library_is_loaded());
  Connection connection = connect_pair();
  const std::uint64_t opened_before = opened();
  Descriptor copy(GetParam().call(connection.ours.get()));
  ASSERT_GE(copy.get(), 0);
  EXPECT_TRUE(slot_of(copy.get()).live);
  EXPECT_NE(slot_of(copy.get()).flags & flag::duplicate, 0u);
  EXPECT_EQ(slot_of(copy.get()).open_site, slot_of(connection.ours.get()).open_site);
  EXPECT_EQ(opened(), opened_before);
  // What is seen on one number is known on the other, before and after.
  end_stream(connection);
  char byte = 0;
  EXPECT_EQ(recv(copy.get(), &byte, 1, 0), 0);
  EXPECT_TRUE(slot_of(copy.get()).sighted);
  EXPECT_TRUE(slot_of(connection.ours.get()).sighted);
  const Descriptor third(dup(copy.get()));
  EXPECT_TRUE(slot_of(third.get()).sighted);
  // It is closed when its last number is.
  const std::uint64_t closed_before = closed();
  close(copy.release());
  EXPECT_EQ(closed(), closed_before);
}
INSTANTIATE_TEST_SUITE_P(Table, EveryCopy, testing::ValuesIn(kCopies), name_of<Copy>);

TEST_F(Releases, Dup2OntoASocketIsItsClose) {
  Connection connection = connect_pair();
  const std::uint64_t before = closed();
  const Descriptor null(open("/dev/null", O_RDONLY));
  EXPECT_EQ(dup2(null.get(), connection.ours.get()), connection.ours.get());
  EXPECT_FALSE(slot_of(connection.ours.get()).live);
  EXPECT_EQ(closed(), before + 1);
}

// As the JDK does while another thread reads: that thread, late, sees the end of the dead end. No socket is
// lost.
TEST_F(Releases, DeadEndOverASocketIsItsCloseAndNoConnection) {
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Descriptor dead(pair[0]);
  close(pair[1]);
  Connection connection = connect_pair();
  Connection other = connect_pair();
  const std::uint64_t before = closed();
  for (const int fd : {connection.ours.get(), other.ours.get()}) {
    EXPECT_EQ(dup2(dead.get(), fd), fd);
    EXPECT_FALSE(slot_of(fd).live);
    char byte = 0;
    EXPECT_EQ(read(fd, &byte, 1), 0);
    EXPECT_FALSE(slot_of(dead.get()).live);
    EXPECT_FALSE(slot_of(fd).live);
  }
  EXPECT_EQ(closed(), before + 3);
}

// The JDK closes its datagram sockets and pipes in that way, too.
TEST_F(Releases, DeadEndOverADatagramSocketOrAPipeIsNoConnection) {
  int pipe_ends[2] = {-1, -1};
  ASSERT_EQ(pipe(pipe_ends), 0);
  const Descriptor writing(pipe_ends[1]);
  const Descriptor covered[] = {Descriptor(socket(AF_INET, SOCK_DGRAM, 0)), Descriptor(pipe_ends[0])};
  for (const Descriptor& fd : covered) {
    int pair[2] = {-1, -1};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    const Descriptor dead(pair[0]);
    close(pair[1]);
    EXPECT_EQ(dup2(dead.get(), fd.get()), fd.get());
    char byte = 0;
    EXPECT_EQ(read(fd.get(), &byte, 1), 0);
    EXPECT_FALSE(slot_of(dead.get()).live);
    EXPECT_FALSE(slot_of(fd.get()).live);
  }
}

// What is dead and put over a file or over nothing may be a connection.
TEST_F(Releases, DeadEndOverAFileStaysKnown) {
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Descriptor dead(pair[0]);
  close(pair[1]);
  const Descriptor null(open("/dev/null", O_RDONLY));
  EXPECT_EQ(dup2(dead.get(), null.get()), null.get());
  EXPECT_TRUE(slot_of(dead.get()).live);
  EXPECT_TRUE(slot_of(null.get()).live);
}

// Whoever sees the dead end may close the number and get it again before the hook of dup2 goes on.
TEST_F(Releases, NumberTakenAnewWhileDup2Returns) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP()
      << "TSan takes the race for the number, which is what is tried here, for an error of the program";
#endif
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Descriptor dead(pair[0]);
  close(pair[1]);
  const Connection stranger = connect_pair();
  std::atomic<int> given{-1};
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) {
      const int fd = given.load();
      char byte = 0;
      if (fd < 0 || recv(fd, &byte, 1, MSG_DONTWAIT) != 0) {
        std::this_thread::yield();
        continue;
      }
      close(fd);
      EXPECT_EQ(fcntl(stranger.ours.get(), F_DUPFD, fd), fd);
      given.store(-1);
    }
  });
  int lost = 0;
  for (int round = 0; round < 200; round++) {
    Connection connection = connect_pair();
    const int fd = connection.ours.release();
    given.store(fd);
    EXPECT_EQ(dup2(dead.get(), fd), fd);
    while (given.load() >= 0) std::this_thread::yield();
    if (!slot_of(fd).live) lost++;
    close(fd);
  }
  done.store(true);
  reader.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(counted(socktrack::BlindSpot::unseen_close), 0U);
}

// A live connection over another is one that was made anew under its number.
TEST_F(Releases, LiveStreamOverASocketStaysTracked) {
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Descriptor ours(pair[0]);
  Descriptor peer(pair[1]);
  Connection connection = connect_pair();
  const int fd = connection.ours.get();
  EXPECT_EQ(dup2(ours.get(), fd), fd);
  EXPECT_TRUE(slot_of(fd).live);
  EXPECT_TRUE(slot_of(ours.get()).live);
  close(peer.release());
  char byte = 0;
  EXPECT_EQ(read(fd, &byte, 1), 0);
  EXPECT_TRUE(slot_of(fd).sighted);
}

TEST_F(Releases, FailedDup2ClosesNothing) {
  Connection connection = connect_pair();
  EXPECT_EQ(dup2(kFree + 50, connection.ours.get()), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(dup3(connection.peer.get(), connection.ours.get(), 0x40000000), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(dup3(connection.ours.get(), connection.ours.get(), 0), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(dup2(connection.ours.get(), connection.ours.get()), connection.ours.get());
  EXPECT_TRUE(slot_of(connection.ours.get()).live);
  EXPECT_EQ(slot_of(connection.ours.get()).flags & flag::duplicate, 0u);
}

TEST_F(Releases, CloseRangeThatClosesNothingReleasesNothing) {
  Connection connection = connect_pair();
  const auto fd = static_cast<unsigned>(connection.ours.get());
  EXPECT_EQ(close_range(fd, fd, CLOSE_RANGE_CLOEXEC), 0);
  EXPECT_TRUE(slot_of(connection.ours.get()).live);
  EXPECT_EQ(close_range(fd + 1, fd, 0), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_TRUE(slot_of(connection.ours.get()).live);
}

TEST_F(Releases, CanonicalCloseRangeReleasesAll) {
  Connection one = connect_pair();
  Connection two = connect_pair();
  const int first = one.ours.release();
  const int second = two.ours.release();
  one.peer.release();
  two.peer.release();
  EXPECT_EQ(close_range(3, ~0U, 0), 0);
  EXPECT_FALSE(slot_of(first).live);
  EXPECT_FALSE(slot_of(second).live);
}

TEST_F(Releases, CloseOfOtherDescriptorsPasses) {
  errno = 0;
  EXPECT_EQ(close(-1), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(close(1 << 30), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(Releases, FclosingAMemoryStreamKeepsErrno) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan's own fclose asks fileno and leaves EBADF behind";
#endif
  char text[] = "text";
  FILE* stream = fmemopen(text, sizeof text, "r");
  errno = 4711;
  EXPECT_EQ(fclose(stream), 0);
  EXPECT_EQ(errno, 4711);
}

TEST_F(Releases, FcntlPassesItsArgument) {
  Connection connection = connect_pair();
  EXPECT_EQ(fcntl(connection.ours.get(), F_SETFD, FD_CLOEXEC), 0);
  EXPECT_EQ(fcntl(connection.ours.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl64(connection.ours.get(), F_GETFL) & O_ACCMODE, O_RDWR);
}
