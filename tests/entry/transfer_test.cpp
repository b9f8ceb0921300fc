// Every transfer is put through success, end of stream, error, "try again",
// and the calls that say nothing (a peek, no bytes wanted).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "cancelled.h"
#include "own_recording.h"
#include "peers.h"
#include "transfers.h"

using namespace entry;
using socktrack::Operation;

namespace {

template <typename Wanted>
std::vector<Transfer> receivers_that(Wanted wanted) {
  std::vector<Transfer> chosen;
  for (const Transfer& transfer : receivers()) {
    if (wanted(transfer)) chosen.push_back(transfer);
  }
  return chosen;
}
const auto kPeekers = receivers_that([](const Transfer& t) { return t.peek != nullptr; });
const auto kSocketReaders = receivers_that([](const Transfer& t) {
  return t.operation == Operation::recv || t.operation == Operation::recvfrom ||
         t.operation == Operation::recvmsg || t.operation == Operation::recvmmsg;
});
const auto kDatagramReaders =
    receivers_that([](const Transfer& t) { return t.operation != Operation::splice; });
const auto kFileReaders = receivers_that([](const Transfer& t) {
  return t.operation == Operation::read || t.operation == Operation::readv ||
         t.operation == Operation::preadv2;
});

[[gnu::noinline]] ssize_t from_here(const Transfer& transfer, int fd, size_t size) {
  const ssize_t n = transfer.call(fd, size);
  asm volatile("" ::: "memory");  // no tail call: this frame must be on the stack
  return n;
}

std::string name_of(const testing::TestParamInfo<Transfer>& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    if (isalnum(c) == 0) c = '_';
  }
  return name;
}

// Another receiver, in a handler that interrupts the call of the same thread; or a jump out of it.
const Transfer* g_in_handler = nullptr;
int g_handler_fd = -1;
ssize_t g_handler_result = -1;
sigjmp_buf g_jump;

class EveryTransfer : public testing::TestWithParam<Transfer> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(library_is_loaded());
    signal(SIGPIPE, SIG_IGN);
  }
  SlotView slot() const { return slot_of(connection_.ours.get()); }
  int fd() const { return connection_.ours.get(); }
  ssize_t call(size_t size = kBufferSize) { return from_here(GetParam(), fd(), size); }

  Connection connection_ = connect_pair();
};

class Receiver : public EveryTransfer {};
class Adopter : public EveryTransfer {};
class Peeker : public EveryTransfer {};
class DatagramReader : public EveryTransfer {};
class FileReader : public EveryTransfer {};
class Sender : public EveryTransfer {};

}  // namespace

TEST_P(Receiver, SuccessIsNoSighting) {
  send_byte(connection_);
  errno = 4711;
  EXPECT_EQ(call(), 1);
  EXPECT_EQ(errno, 4711);
  EXPECT_TRUE(slot().live);
  EXPECT_FALSE(slot().sighted);
}

TEST_P(Receiver, EndOfStreamIsSightedOnceWithTheCallersStack) {
  end_stream(connection_);
  const std::uint64_t before = sightings();
  errno = 4711;
  EXPECT_EQ(call(), 0);
  EXPECT_EQ(errno, 4711);
  ASSERT_TRUE(slot().sighted);
  EXPECT_EQ(slot().operation, GetParam().operation);
  EXPECT_EQ(slot().error, 0);
  EXPECT_TRUE(site_contains(slot().sighting_site, reinterpret_cast<const void*>(from_here)));
  EXPECT_EQ(call(), 0);
  EXPECT_EQ(sightings(), before + 1);
}

TEST_P(Receiver, ResetIsSightedWithItsErrno) {
  reset(connection_);
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, ECONNRESET);
  ASSERT_TRUE(slot().sighted);
  EXPECT_EQ(slot().operation, GetParam().operation);
  EXPECT_EQ(slot().error, ECONNRESET);
}

TEST_P(Receiver, TryAgainIsNoSighting) {
  set_nonblocking(fd());
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_FALSE(slot().sighted);
}

TEST_P(Receiver, NoBytesWantedIsNoSighting) {
  end_stream(connection_);
  EXPECT_EQ(call(0), 0);
  EXPECT_FALSE(slot().sighted);
}

TEST_P(Receiver, CancelledInsideTheCallTheThreadCleansUp) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the runtime of ASan fails its own check when a thread is cancelled (asan_thread.cpp)";
#endif
  if (std::string(GetParam().name).rfind("syscall", 0) == 0) GTEST_SKIP() << "no cancellation point";
  expect_clean_cancellation([&] { GetParam().call(fd(), kBufferSize); });
  EXPECT_FALSE(slot().sighted);
}

TEST_P(Receiver, InterruptedIsNoSightingAndTheHandlersOwnCallIs) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan puts signal handlers off until the call has returned";
#endif
  Connection other = connect_pair();
  end_stream(other);
  g_in_handler = &GetParam();
  g_handler_fd = other.ours.get();
  g_handler_result = -1;
  keep_interrupting([](int) { g_handler_result = g_in_handler->call(g_handler_fd, 8); });
  EXPECT_EQ(call(), -1);
  EXPECT_EQ(errno, EINTR);
  stop_interrupting();
  EXPECT_EQ(g_handler_result, 0);
  EXPECT_FALSE(slot().sighted);
  EXPECT_TRUE(slot_of(g_handler_fd).sighted);
}

TEST_P(Receiver, JumpedOutOfItWorksOn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan puts signal handlers off until the call has returned";
#endif
  if (sigsetjmp(g_jump, 1) == 0) {
    keep_interrupting([](int) { siglongjmp(g_jump, 1); });
    call();
    FAIL() << "it returned";
  }
  stop_interrupting();
  end_stream(connection_);
  EXPECT_EQ(call(), 0);
  EXPECT_TRUE(slot().sighted);
}

TEST_P(Receiver, InAVforkChildNothingIsWritten) {
  end_stream(connection_);
  const std::uint64_t before = sightings();
  const pid_t pid = vfork();
  if (pid == 0) _exit(GetParam().call(fd(), 8) == 0 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(sightings(), before);
  EXPECT_FALSE(slot().sighted);
}

// A datagram of no bytes is data.
TEST_P(DatagramReader, EmptyDatagramIsNoEnd) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const Descriptor ours(ends[0]);
  const Descriptor peer(ends[1]);
  ASSERT_EQ(send(peer.get(), "", 0, 0), 0);
  const std::uint64_t before = sightings();
  EXPECT_EQ(from_here(GetParam(), ours.get(), 8), 0);
  EXPECT_EQ(sightings(), before);
  EXPECT_FALSE(slot_of(ours.get()).live);
}

TEST_P(Peeker, PeekIsNoSighting) {
  end_stream(connection_);
  EXPECT_EQ(GetParam().peek(fd(), kBufferSize), 0);
  EXPECT_FALSE(slot().sighted);
}

// Over SCM_RIGHTS, exec or pidfd_getfd a socket arrives without any hook seeing its birth.
TEST_P(Adopter, EndOfStreamAdoptsAnUnknownSocket) {
  const Descriptor hidden(copy_behind_our_back(fd()));
  if (hidden.get() < 0) GTEST_SKIP() << "pidfd_getfd is not available";
  ASSERT_FALSE(slot_of(hidden.get()).live);
  end_stream(connection_);
  errno = 4711;
  EXPECT_EQ(from_here(GetParam(), hidden.get(), kBufferSize), 0);
  EXPECT_EQ(errno, 4711);
  const SlotView slot = slot_of(hidden.get());
  EXPECT_TRUE(slot.live);
  EXPECT_NE(slot.flags & socktrack::slot_flag::adopted, 0u);
  ASSERT_TRUE(slot.sighted);
  EXPECT_EQ(slot.operation, GetParam().operation);
  EXPECT_EQ(slot.open_site, 0u);
}

TEST_P(Adopter, OtherSocketsAreNotAdopted) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  const Descriptor ours(pair[0]);
  close(pair[1]);
  EXPECT_EQ(from_here(GetParam(), ours.get(), kBufferSize), 0);
  EXPECT_FALSE(slot_of(ours.get()).live);
}

TEST_P(Receiver, FaultIsNoSighting) {
  Connection other = connect_pair();
  const int closed_fd = other.ours.release();
  close(closed_fd);
  EXPECT_EQ(from_here(GetParam(), closed_fd, 1), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_FALSE(slot_of(closed_fd).live);
}

TEST_P(FileReader, FilesArePassedThrough) {
  const Descriptor null(open("/dev/null", O_RDONLY));
  const std::uint64_t before = sightings();
  EXPECT_EQ(from_here(GetParam(), null.get(), 8), 0);
  EXPECT_EQ(sightings(), before);
}

TEST_P(Sender, SuccessIsNoSighting) {
  errno = 4711;
  EXPECT_EQ(call(8), 8);
  EXPECT_EQ(errno, 4711);
  EXPECT_FALSE(slot().sighted);
}

TEST_P(Sender, BrokenPipeIsSighted) {
  reset(connection_);
  char byte = 0;
  EXPECT_EQ(recv(fd(), &byte, 1, MSG_PEEK), -1);  // the reset itself is taken, and is a sighting: start anew
  const bool sighted_by_peek = slot().sighted;
  EXPECT_EQ(call(8), -1);
  EXPECT_EQ(errno, EPIPE);
  ASSERT_TRUE(slot().sighted);
  EXPECT_EQ(slot().error, sighted_by_peek ? ECONNRESET : EPIPE);
}

TEST_P(Sender, ShutSocketGivesEpipeOfThisOperation) {
  ASSERT_EQ(shutdown(fd(), SHUT_WR), 0);
  EXPECT_EQ(call(8), -1);
  EXPECT_EQ(errno, EPIPE);
  ASSERT_TRUE(slot().sighted);
  EXPECT_EQ(slot().operation, GetParam().operation);
  EXPECT_EQ(slot().error, EPIPE);
}

TEST_P(Sender, NothingSentIsNoEndOfStream) {
  end_stream(connection_);
  EXPECT_EQ(call(0), 0);
  EXPECT_FALSE(slot().sighted);
}

INSTANTIATE_TEST_SUITE_P(Table, Receiver, testing::ValuesIn(receivers()), name_of);
INSTANTIATE_TEST_SUITE_P(Table, Adopter, testing::ValuesIn(kSocketReaders), name_of);
INSTANTIATE_TEST_SUITE_P(Table, DatagramReader, testing::ValuesIn(kDatagramReaders), name_of);
INSTANTIATE_TEST_SUITE_P(Table, Peeker, testing::ValuesIn(kPeekers), name_of);
INSTANTIATE_TEST_SUITE_P(Table, FileReader, testing::ValuesIn(kFileReaders), name_of);
INSTANTIATE_TEST_SUITE_P(Table, Sender, testing::ValuesIn(senders()), name_of);
