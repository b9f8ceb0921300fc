// One line per transfer of entrypoints.def. Each is put through success, end of stream, error, "try again",
// and the calls that say nothing (a peek, no bytes wanted).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "own_recording.h"
#include "peers.h"

using namespace entry;
using socktrack::Operation;

extern "C" {
ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, sockaddr*, socklen_t*);
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __read(int, void*, size_t);
ssize_t __write(int, const void*, size_t);
ssize_t __send(int, const void*, size_t, int);
}

namespace {

char g_buffer[64];

iovec part(size_t size) { return {g_buffer, size}; }

ssize_t call_recvmsg(int fd, size_t size, int flags) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return recvmsg(fd, &message, flags);
}

// As a stream reader uses it: the bytes of the one message.
ssize_t call_recvmmsg(int fd, size_t size, int flags) {
  iovec parts = part(size);
  mmsghdr message{};
  message.msg_hdr.msg_iov = &parts;
  message.msg_hdr.msg_iovlen = 1;
  const int n = recvmmsg(fd, &message, 1, flags, nullptr);
  return n <= 0 ? n : static_cast<ssize_t>(message.msg_len);
}

ssize_t call_readv(int fd, size_t size) {
  const iovec parts = part(size);
  return readv(fd, &parts, 1);
}

ssize_t call_sendmsg(int fd, size_t size) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

ssize_t call_writev(int fd, size_t size) {
  const iovec parts = part(size);
  return writev(fd, &parts, 1);
}

using PositionedVector = ssize_t (*)(int, const iovec*, int, off_t, int);

// With the offset -1 it is readv or writev with flags, and works on sockets.
ssize_t vector_of(PositionedVector call, int fd, size_t size) {
  const iovec parts = part(size);
  return call(fd, &parts, 1, -1, 0);
}

ssize_t sys_vector(long number, int fd, size_t size) {
  const iovec parts = part(size);
  return syscall(number, fd, &parts, 1, -1L, 0L, 0);
}

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe(ends) != 0) abort();
    from = ends[0];
    to = ends[1];
  }
  int from, to;
};
Pipe& own_pipe() {
  static Pipe* pipe = new Pipe;
  return *pipe;
}

using Splice = ssize_t (*)(int, off_t*, int, off_t*, size_t, unsigned);

ssize_t splice_from(Splice call, int fd, size_t size) {
  const ssize_t n = call(fd, nullptr, own_pipe().to, nullptr, size, 0);
  char drained[64];
  const int error = errno;
  if (n > 0 && read(own_pipe().from, drained, sizeof drained) != n) abort();
  errno = error;
  return n;
}

ssize_t splice_to(Splice call, int fd, size_t size) {
  char bytes[64] = {};
  if (write(own_pipe().to, bytes, size) != static_cast<ssize_t>(size)) abort();
  const int before = errno;
  errno = 4711;
  const ssize_t n = call(own_pipe().from, nullptr, fd, nullptr, size, 0);
  const int error = n < 0 ? errno : before;
  if (n < 0 && read(own_pipe().from, bytes, sizeof bytes) != static_cast<ssize_t>(size)) abort();
  errno = error;
  return n;
}

ssize_t sys_splice(int in, off_t* in_at, int out, off_t* out_at, size_t size, unsigned flags) {
  return syscall(SYS_splice, in, in_at, out, out_at, size, flags);
}

using Sendfile = ssize_t (*)(int, int, off_t*, size_t);

ssize_t sendfile_to(Sendfile call, int fd, size_t size) {
  static const int source = [] {
    const int file = memfd_create("source", MFD_CLOEXEC);
    if (ftruncate(file, 64) != 0) abort();
    return file;
  }();
  off_t at = 0;
  return call(fd, source, &at, size);
}

ssize_t sys_sendfile(int out, int in, off_t* at, size_t size) {
  return syscall(SYS_sendfile, out, in, at, size);
}

using Sendmmsg = int (*)(int, mmsghdr*, unsigned, int);

ssize_t sendmmsg_to(Sendmmsg call, int fd, size_t size) {
  iovec parts = part(size);
  mmsghdr message{};
  message.msg_hdr.msg_iov = &parts;
  message.msg_hdr.msg_iovlen = 1;
  const int n = call(fd, &message, 1, MSG_NOSIGNAL);
  return n <= 0 ? n : static_cast<ssize_t>(message.msg_len);
}

int sys_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return static_cast<int>(syscall(SYS_sendmmsg, fd, messages, count, flags));
}

ssize_t sys_recvmmsg(int fd, size_t size) {
  iovec parts = part(size);
  mmsghdr message{};
  message.msg_hdr.msg_iov = &parts;
  message.msg_hdr.msg_iovlen = 1;
  const long n = syscall(SYS_recvmmsg, fd, &message, 1, 0, nullptr);
  return n <= 0 ? n : static_cast<ssize_t>(message.msg_len);
}

ssize_t sys_recvmsg(int fd, size_t size) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return syscall(SYS_recvmsg, fd, &message, 0);
}

ssize_t sys_readv(int fd, size_t size) {
  const iovec parts = part(size);
  return syscall(SYS_readv, fd, &parts, 1);
}

ssize_t sys_sendmsg(int fd, size_t size) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

ssize_t sys_writev(int fd, size_t size) {
  const iovec parts = part(size);
  return syscall(SYS_writev, fd, &parts, 1);
}

struct Transfer {
  const char* name;  // of the row in entrypoints.def
  Operation operation;
  std::function<ssize_t(int fd, size_t size)> call;
  std::function<ssize_t(int fd, size_t size)> peek = nullptr;
};

const Transfer kReceivers[] = {
    {"recv", Operation::recv, [](int fd, size_t n) { return recv(fd, g_buffer, n, 0); },
     [](int fd, size_t n) { return recv(fd, g_buffer, n, MSG_PEEK); }},
    {"recvfrom", Operation::recvfrom,
     [](int fd, size_t n) { return recvfrom(fd, g_buffer, n, 0, nullptr, nullptr); },
     [](int fd, size_t n) { return recvfrom(fd, g_buffer, n, MSG_PEEK, nullptr, nullptr); }},
    {"recvmsg", Operation::recvmsg, [](int fd, size_t n) { return call_recvmsg(fd, n, 0); },
     [](int fd, size_t n) { return call_recvmsg(fd, n, MSG_PEEK); }},
    {"recvmmsg", Operation::recvmmsg, [](int fd, size_t n) { return call_recvmmsg(fd, n, 0); },
     [](int fd, size_t n) { return call_recvmmsg(fd, n, MSG_PEEK); }},
    {"read", Operation::read, [](int fd, size_t n) { return read(fd, g_buffer, n); }},
    {"readv", Operation::readv, [](int fd, size_t n) { return call_readv(fd, n); }},
    {"__recv_chk", Operation::recv,
     [](int fd, size_t n) { return __recv_chk(fd, g_buffer, n, sizeof g_buffer, 0); },
     [](int fd, size_t n) { return __recv_chk(fd, g_buffer, n, sizeof g_buffer, MSG_PEEK); }},
    {"__recvfrom_chk", Operation::recvfrom,
     [](int fd, size_t n) { return __recvfrom_chk(fd, g_buffer, n, sizeof g_buffer, 0, nullptr, nullptr); },
     [](int fd, size_t n) {
       return __recvfrom_chk(fd, g_buffer, n, sizeof g_buffer, MSG_PEEK, nullptr, nullptr);
     }},
    {"__read_chk", Operation::read,
     [](int fd, size_t n) { return __read_chk(fd, g_buffer, n, sizeof g_buffer); }},
    {"__read", Operation::read, [](int fd, size_t n) { return __read(fd, g_buffer, n); }},
    {"preadv2", Operation::preadv2, [](int fd, size_t n) { return vector_of(preadv2, fd, n); }},
    {"preadv64v2", Operation::preadv2, [](int fd, size_t n) { return vector_of(preadv64v2, fd, n); }},
    {"splice", Operation::splice, [](int fd, size_t n) { return splice_from(splice, fd, n); }},
    {"syscall splice", Operation::splice, [](int fd, size_t n) { return splice_from(sys_splice, fd, n); }},
    {"syscall preadv2", Operation::preadv2, [](int fd, size_t n) { return sys_vector(SYS_preadv2, fd, n); }},
    {"syscall recvmmsg", Operation::recvmmsg, sys_recvmmsg},
    {"syscall", Operation::read, [](int fd, size_t n) { return syscall(SYS_read, fd, g_buffer, n); }},
    {"syscall recvfrom", Operation::recvfrom,
     [](int fd, size_t n) { return syscall(SYS_recvfrom, fd, g_buffer, n, 0, nullptr, nullptr); },
     [](int fd, size_t n) { return syscall(SYS_recvfrom, fd, g_buffer, n, MSG_PEEK, nullptr, nullptr); }},
    {"syscall recvmsg", Operation::recvmsg, sys_recvmsg},
    {"syscall readv", Operation::readv, sys_readv},
};

const Transfer kSenders[] = {
    {"send", Operation::send, [](int fd, size_t n) { return send(fd, g_buffer, n, MSG_NOSIGNAL); }},
    {"sendto", Operation::sendto,
     [](int fd, size_t n) { return sendto(fd, g_buffer, n, MSG_NOSIGNAL, nullptr, 0); }},
    {"sendmsg", Operation::sendmsg, call_sendmsg},
    {"write", Operation::write, [](int fd, size_t n) { return write(fd, g_buffer, n); }},
    {"writev", Operation::writev, call_writev},
    {"__send", Operation::send, [](int fd, size_t n) { return __send(fd, g_buffer, n, MSG_NOSIGNAL); }},
    {"__write", Operation::write, [](int fd, size_t n) { return __write(fd, g_buffer, n); }},
    {"pwritev2", Operation::pwritev2, [](int fd, size_t n) { return vector_of(pwritev2, fd, n); }},
    {"pwritev64v2", Operation::pwritev2, [](int fd, size_t n) { return vector_of(pwritev64v2, fd, n); }},
    {"splice", Operation::splice, [](int fd, size_t n) { return splice_to(splice, fd, n); }},
    {"sendfile", Operation::sendfile, [](int fd, size_t n) { return sendfile_to(sendfile, fd, n); }},
    {"sendfile64", Operation::sendfile, [](int fd, size_t n) { return sendfile_to(sendfile64, fd, n); }},
    {"sendmmsg", Operation::sendmmsg, [](int fd, size_t n) { return sendmmsg_to(sendmmsg, fd, n); }},
    {"syscall splice", Operation::splice, [](int fd, size_t n) { return splice_to(sys_splice, fd, n); }},
    {"syscall sendfile", Operation::sendfile,
     [](int fd, size_t n) { return sendfile_to(sys_sendfile, fd, n); }},
    {"syscall sendmmsg", Operation::sendmmsg,
     [](int fd, size_t n) { return sendmmsg_to(sys_sendmmsg, fd, n); }},
    {"syscall pwritev2", Operation::pwritev2,
     [](int fd, size_t n) { return sys_vector(SYS_pwritev2, fd, n); }},
    {"syscall write", Operation::write, [](int fd, size_t n) { return syscall(SYS_write, fd, g_buffer, n); }},
    {"syscall writev", Operation::writev, sys_writev},
    {"syscall sendto", Operation::sendto,
     [](int fd, size_t n) { return syscall(SYS_sendto, fd, g_buffer, n, MSG_NOSIGNAL, nullptr, 0); }},
    {"syscall sendmsg", Operation::sendmsg, sys_sendmsg},
};

void PrintTo(const Transfer& transfer, std::ostream* out) { *out << transfer.name; }

template <typename Wanted>
std::vector<Transfer> receivers_that(Wanted wanted) {
  std::vector<Transfer> chosen;
  for (const Transfer& transfer : kReceivers) {
    if (wanted(transfer)) chosen.push_back(transfer);
  }
  return chosen;
}
const auto kPeekers = receivers_that([](const Transfer& t) { return t.peek != nullptr; });
const auto kSocketReaders = receivers_that([](const Transfer& t) {
  return t.operation == Operation::recv || t.operation == Operation::recvfrom ||
         t.operation == Operation::recvmsg || t.operation == Operation::recvmmsg;
});
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

class EveryTransfer : public testing::TestWithParam<Transfer> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(library_is_loaded());
    signal(SIGPIPE, SIG_IGN);
  }
  SlotView slot() const { return slot_of(connection_.ours.get()); }
  int fd() const { return connection_.ours.get(); }
  ssize_t call(size_t size = sizeof g_buffer) { return from_here(GetParam(), fd(), size); }

  Connection connection_ = connect_pair();
};

class Receiver : public EveryTransfer {};
class Adopter : public EveryTransfer {};
class Peeker : public EveryTransfer {};
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

TEST_P(Peeker, PeekIsNoSighting) {
  end_stream(connection_);
  EXPECT_EQ(GetParam().peek(fd(), sizeof g_buffer), 0);
  EXPECT_FALSE(slot().sighted);
}

// Over SCM_RIGHTS, exec or pidfd_getfd a socket arrives without any hook seeing its birth.
TEST_P(Adopter, EndOfStreamAdoptsAnUnknownSocket) {
  const Descriptor hidden(copy_behind_our_back(fd()));
  if (hidden.get() < 0) GTEST_SKIP() << "pidfd_getfd is not available";
  ASSERT_FALSE(slot_of(hidden.get()).live);
  end_stream(connection_);
  errno = 4711;
  EXPECT_EQ(from_here(GetParam(), hidden.get(), sizeof g_buffer), 0);
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
  EXPECT_EQ(from_here(GetParam(), ours.get(), sizeof g_buffer), 0);
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

INSTANTIATE_TEST_SUITE_P(Table, Receiver, testing::ValuesIn(kReceivers), name_of);
INSTANTIATE_TEST_SUITE_P(Table, Adopter, testing::ValuesIn(kSocketReaders), name_of);
INSTANTIATE_TEST_SUITE_P(Table, Peeker, testing::ValuesIn(kPeekers), name_of);
INSTANTIATE_TEST_SUITE_P(Table, FileReader, testing::ValuesIn(kFileReaders), name_of);
INSTANTIATE_TEST_SUITE_P(Table, Sender, testing::ValuesIn(kSenders), name_of);
