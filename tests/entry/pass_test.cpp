// Descriptors that travel: out by sendmsg and sendmmsg, in by recvmsg, recvmmsg and pidfd_getfd.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "own_recording.h"
#include "peers.h"

extern "C" {  // glibc 2.36 forgot it there
#include <sys/pidfd.h>
}

using namespace entry;
namespace flag = socktrack::slot_flag;

namespace {

// One message of one byte, with room for control data.
struct Message {
  explicit Message(std::size_t room) : control(room) {
    header.msg_hdr.msg_iov = &part;
    header.msg_hdr.msg_iovlen = 1;
    header.msg_hdr.msg_control = control.data();
    header.msg_hdr.msg_controllen = room;
  }
  char byte = 'x';
  iovec part{&byte, 1};
  std::vector<char> control;
  mmsghdr header{};
};

void put_rights(Message& message, const std::vector<int>& fds) {
  cmsghdr* control = CMSG_FIRSTHDR(&message.header.msg_hdr);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(control), fds.data(), fds.size() * sizeof(int));
}

std::vector<int> rights_of(const Message& message) {
  std::vector<int> fds;
  const cmsghdr* control = CMSG_FIRSTHDR(&message.header.msg_hdr);
  if (control == nullptr || control->cmsg_type != SCM_RIGHTS) return fds;
  fds.resize((control->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  std::memcpy(fds.data(), CMSG_DATA(control), fds.size() * sizeof(int));
  return fds;
}

struct Carrier {
  const char* name;
  std::function<long(int fd, mmsghdr& message)> call;
};
void PrintTo(const Carrier& carrier, std::ostream* out) { *out << carrier.name; }

const Carrier kSenders[] = {
    {"sendmsg", [](int fd, mmsghdr& m) { return sendmsg(fd, &m.msg_hdr, 0); }},
    {"sendmmsg", [](int fd, mmsghdr& m) { return sendmmsg(fd, &m, 1, 0); }},
    {"syscall_sendmsg", [](int fd, mmsghdr& m) { return syscall(SYS_sendmsg, fd, &m.msg_hdr, 0); }},
    {"syscall_sendmmsg", [](int fd, mmsghdr& m) { return syscall(SYS_sendmmsg, fd, &m, 1, 0); }},
};
const Carrier kReceivers[] = {
    {"recvmsg", [](int fd, mmsghdr& m) { return recvmsg(fd, &m.msg_hdr, 0); }},
    {"recvmmsg", [](int fd, mmsghdr& m) { return recvmmsg(fd, &m, 1, 0, nullptr); }},
    {"syscall_recvmsg", [](int fd, mmsghdr& m) { return syscall(SYS_recvmsg, fd, &m.msg_hdr, 0); }},
    {"syscall_recvmmsg", [](int fd, mmsghdr& m) { return syscall(SYS_recvmmsg, fd, &m, 1, 0, nullptr); }},
};

std::string name_of(const testing::TestParamInfo<Carrier>& info) { return info.param.name; }

class Pass : public testing::TestWithParam<Carrier> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(library_is_loaded());
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    left_ = Descriptor(ends[0]);
    right_ = Descriptor(ends[1]);
  }
  void send_plainly(const std::vector<int>& fds) {
    Message message(CMSG_SPACE(fds.size() * sizeof(int)));
    put_rights(message, fds);
    ASSERT_EQ(sendmsg(left_.get(), &message.header.msg_hdr, 0), 1);
  }

  Connection connection_ = connect_pair();
  Descriptor left_;
  Descriptor right_;
};

class Sends : public Pass {};
class Receives : public Pass {};
class Fetch : public testing::TestWithParam<Carrier> {};

[[gnu::noinline]] long from_here(const Carrier& carrier, int fd, mmsghdr& message) {
  const long n = carrier.call(fd, message);
  asm volatile("" ::: "memory");
  return n;
}

}  // namespace

TEST_P(Sends, MarksWhatWasPassed) {
  Message message(CMSG_SPACE(sizeof(int)));
  put_rights(message, {connection_.ours.get()});
  errno = 4711;
  EXPECT_EQ(GetParam().call(left_.get(), message.header), 1);
  EXPECT_EQ(errno, 4711);
  EXPECT_NE(slot_of(connection_.ours.get()).flags & flag::passed, 0u);
  EXPECT_TRUE(slot_of(connection_.ours.get()).live);
  EXPECT_EQ(slot_of(connection_.peer.get()).flags & flag::passed, 0u);
}

TEST_P(Sends, FailureMarksNothing) {
  Message message(CMSG_SPACE(sizeof(int)));
  put_rights(message, {connection_.ours.get()});
  EXPECT_EQ(GetParam().call(-1, message.header), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(slot_of(connection_.ours.get()).flags & flag::passed, 0u);
}

TEST_P(Receives, AdoptsStreamsWithTheCallersStack) {
  const Descriptor file(memfd_create("file", 0));
  const Descriptor datagram(socket(AF_INET, SOCK_DGRAM, 0));
  send_plainly({file.get(), connection_.ours.get(), datagram.get()});
  Message message(CMSG_SPACE(3 * sizeof(int)));
  errno = 4711;
  EXPECT_EQ(from_here(GetParam(), right_.get(), message.header), 1);
  EXPECT_EQ(errno, 4711);
  const std::vector<int> fds = rights_of(message);
  ASSERT_EQ(fds.size(), 3u);
  const Descriptor owned[] = {Descriptor(fds[0]), Descriptor(fds[1]), Descriptor(fds[2])};
  const SlotView slot = slot_of(fds[1]);
  EXPECT_TRUE(slot.live);
  EXPECT_NE(slot.flags & flag::adopted, 0u);
  EXPECT_TRUE(site_contains(slot.open_site, reinterpret_cast<const void*>(from_here)));
  EXPECT_FALSE(slot_of(fds[0]).live);
  EXPECT_FALSE(slot_of(fds[2]).live);
}

TEST_P(Receives, ListenersAreKnownAsSuch) {
  const Descriptor listener(listening_socket());
  send_plainly({listener.get()});
  Message message(CMSG_SPACE(sizeof(int)));
  EXPECT_EQ(GetParam().call(right_.get(), message.header), 1);
  ASSERT_EQ(rights_of(message).size(), 1u);
  const Descriptor received(rights_of(message)[0]);
  EXPECT_NE(slot_of(received.get()).flags & flag::listener, 0u);
}

// The kernel installs what fits and closes the rest.
TEST_P(Receives, CutControlDataClaimsNoMoreThanItHas) {
  send_plainly({connection_.ours.get(), connection_.peer.get(), connection_.peer.get()});
  Message message(CMSG_LEN(sizeof(int)));
  const std::uint64_t before = opened();
  EXPECT_EQ(GetParam().call(right_.get(), message.header), 1);
  EXPECT_NE(message.header.msg_hdr.msg_flags & MSG_CTRUNC, 0);
  const std::vector<int> fds = rights_of(message);
  ASSERT_EQ(fds.size(), 1u);
  const Descriptor received(fds[0]);
  EXPECT_TRUE(slot_of(received.get()).live);
  EXPECT_EQ(opened(), before + 1);
}

TEST_P(Receives, NoRoomForControlDataIsNoAdoption) {
  send_plainly({connection_.ours.get()});
  Message message(0);
  message.header.msg_hdr.msg_control = nullptr;
  const std::uint64_t before = opened();
  EXPECT_EQ(GetParam().call(right_.get(), message.header), 1);
  EXPECT_EQ(opened(), before);
}

TEST_P(Receives, StaleSlotsOfTheirNumbersAreDropped) {
  const int number = connection_.ours.get();
  const Descriptor file(memfd_create("file", 0));
  send_plainly({file.get()});
  const Descriptor filler(copy_behind_our_back(number));  // keeps nothing lower than `number` free
  close_behind_our_back(connection_.ours.release());
  Message message(CMSG_SPACE(sizeof(int)));
  EXPECT_EQ(GetParam().call(right_.get(), message.header), 1);
  ASSERT_EQ(rights_of(message).size(), 1u);
  const Descriptor received(rights_of(message)[0]);
  if (received.get() != number) GTEST_SKIP() << "a lower number was free";
  EXPECT_FALSE(slot_of(number).live);
}

INSTANTIATE_TEST_SUITE_P(Table, Sends, testing::ValuesIn(kSenders), name_of);
INSTANTIATE_TEST_SUITE_P(Table, Receives, testing::ValuesIn(kReceivers), name_of);

// The message is what pidfd_getfd is asked for: (pidfd, number).
const Carrier kFetchers[] = {
    {"pidfd_getfd", [](int pidfd, mmsghdr& m) { return pidfd_getfd(pidfd, static_cast<int>(m.msg_len), 0); }},
    {"syscall_pidfd_getfd",
     [](int pidfd, mmsghdr& m) { return syscall(SYS_pidfd_getfd, pidfd, m.msg_len, 0); }},
};

TEST_P(Fetch, AdoptsStreamsOnly) {
  ASSERT_TRUE(library_is_loaded());
  const Connection connection = connect_pair();
  const Descriptor self(pidfd_open(getpid(), 0));
  mmsghdr wanted{};
  wanted.msg_len = static_cast<unsigned>(connection.ours.get());
  const Descriptor copy(static_cast<int>(from_here(GetParam(), self.get(), wanted)));
  if (copy.get() < 0) GTEST_SKIP() << "pidfd_getfd is not permitted";
  EXPECT_TRUE(slot_of(copy.get()).live);
  EXPECT_TRUE(site_contains(slot_of(copy.get()).open_site, reinterpret_cast<const void*>(from_here)));
  const Descriptor file(memfd_create("file", 0));
  wanted.msg_len = static_cast<unsigned>(file.get());
  const Descriptor other(static_cast<int>(from_here(GetParam(), self.get(), wanted)));
  EXPECT_GE(other.get(), 0);
  EXPECT_FALSE(slot_of(other.get()).live);
  wanted.msg_len = 999;
  EXPECT_EQ(from_here(GetParam(), self.get(), wanted), -1);
  EXPECT_EQ(errno, EBADF);
}

INSTANTIATE_TEST_SUITE_P(Table, Fetch, testing::ValuesIn(kFetchers), name_of);
