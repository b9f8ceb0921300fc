// Births, connections and questions: socket, accept, accept4, connect, shutdown, getsockopt.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "own_recording.h"
#include "peers.h"

using namespace entry;
using socktrack::Operation;
namespace flag = socktrack::slot_flag;

extern "C" int __connect(int, const sockaddr*, socklen_t);

namespace {

sockaddr_in address_of(int listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  return address;
}

sockaddr_in nobody() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(closed_port()));
  return address;
}

int connect_to(int fd, const sockaddr_in& address) {
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

[[gnu::noinline]] int socket_from_here() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  asm volatile("" ::: "memory");
  return fd;
}

class Open : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
};

struct Call {
  const char* name;
  std::function<int(int)> call;
};
void PrintTo(const Call& call, std::ostream* out) { *out << call.name; }
template <typename T>
std::string name_of(const testing::TestParamInfo<T>& info) {
  return info.param.name;
}

const Call kListens[] = {
    {"listen", [](int fd) { return listen(fd, 1); }},
    {"syscall_listen", [](int fd) { return static_cast<int>(syscall(SYS_listen, fd, 1)); }},
};
const Call kBirths[] = {
    {"socket", [](int) { return socket(AF_INET, SOCK_STREAM, 0); }},
    {"accept", [](int listener) { return accept(listener, nullptr, nullptr); }},
    {"accept4", [](int listener) { return accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); }},
};
class Births : public testing::TestWithParam<Call> {};

[[gnu::noinline]] int born_from_here(const Call& birth, int listener) {
  const int fd = birth.call(listener);
  asm volatile("" ::: "memory");
  return fd;
}

const Call kShutdowns[] = {
    {"shutdown", [](int fd) { return shutdown(fd, SHUT_RDWR); }},
    {"syscall_shutdown", [](int fd) { return static_cast<int>(syscall(SYS_shutdown, fd, SHUT_RDWR)); }},
};
class Shutdowns : public testing::TestWithParam<Call> {};

struct ConnectCall {
  const char* name;
  std::function<int(int fd, const sockaddr_in& address)> call;
};
void PrintTo(const ConnectCall& call, std::ostream* out) { *out << call.name; }
const ConnectCall kConnects[] = {
    {"connect", connect_to},
    {"__connect",
     [](int fd, const sockaddr_in& to) {
       return __connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
     }},
    {"syscall_connect",
     [](int fd, const sockaddr_in& to) {
       return static_cast<int>(syscall(SYS_connect, fd, &to, sizeof to));
     }},
};
class Connects : public testing::TestWithParam<ConnectCall> {};

struct Question {
  const char* name;
  std::function<int(int fd, int* error)> call;
};
void PrintTo(const Question& question, std::ostream* out) { *out << question.name; }
const Question kQuestions[] = {
    {"getsockopt",
     [](int fd, int* error) {
       socklen_t length = sizeof *error;
       return getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &length);
     }},
    {"syscall_getsockopt",
     [](int fd, int* error) {
       socklen_t length = sizeof *error;
       return static_cast<int>(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, error, &length));
     }},
};
class Questions : public testing::TestWithParam<Question> {};

struct PairCall {
  const char* name;
  std::function<int(int domain, int type, int* ends)> call;
};
void PrintTo(const PairCall& call, std::ostream* out) { *out << call.name; }
const PairCall kPairs[] = {
    {"socketpair", [](int domain, int type, int* ends) { return socketpair(domain, type, 0, ends); }},
    {"syscall_socketpair",
     [](int domain, int type, int* ends) {
       return static_cast<int>(syscall(SYS_socketpair, domain, type, 0, ends));
     }},
};
class Pairs : public testing::TestWithParam<PairCall> {};
class Listens : public testing::TestWithParam<Call> {};

}  // namespace

TEST_F(Open, SocketIsTrackedWithItsOpenSite) {
  errno = 4711;
  const Descriptor fd(socket_from_here());
  EXPECT_EQ(errno, 4711);
  const SlotView slot = slot_of(fd.get());
  EXPECT_TRUE(slot.live);
  EXPECT_EQ(slot.flags & flag::accepted, 0u);
  EXPECT_TRUE(site_contains(slot.open_site, reinterpret_cast<const void*>(socket_from_here)));
}

TEST_F(Open, SocketBySyscallIsTracked) {
  const Descriptor fd(static_cast<int>(syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0)));
  EXPECT_TRUE(slot_of(fd.get()).live);
  EXPECT_NE(slot_of(fd.get()).flags & flag::ipv6, 0u);
}

TEST_F(Open, OtherSocketsAreNot) {
  const Descriptor first(socket_from_here());  // there is a recording
  const Descriptor datagram(socket(AF_INET, SOCK_DGRAM, 0));
  const Descriptor packets(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  const Descriptor local(socket(AF_UNIX, SOCK_DGRAM, 0));
  EXPECT_FALSE(slot_of(datagram.get()).live);
  EXPECT_FALSE(slot_of(packets.get()).live);
  EXPECT_FALSE(slot_of(local.get()).live);
}

TEST_F(Open, FailedSocketKeepsErrnoAndTracksNothing) {
  const Descriptor first(socket_from_here());
  const std::uint64_t before = opened();
  EXPECT_EQ(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), -1);
  EXPECT_EQ(errno, EPROTONOSUPPORT);
  EXPECT_EQ(opened(), before);
}

TEST_F(Open, AcceptedSocketsAreTrackedAndTheListenerKnown) {
  const Descriptor listener(listening_socket());
  const sockaddr_in address = address_of(listener.get());
  const auto by = [&](auto take) {
    const Descriptor peer(socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect_to(peer.get(), address), 0);
    const Descriptor ours(take());
    EXPECT_TRUE(slot_of(ours.get()).live);
    EXPECT_NE(slot_of(ours.get()).flags & flag::accepted, 0u);
  };
  by([&] { return accept(listener.get(), nullptr, nullptr); });
  by([&] { return accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC); });
  by([&] { return static_cast<int>(syscall(SYS_accept4, listener.get(), nullptr, nullptr, 0)); });
#ifdef SYS_accept
  by([&] { return static_cast<int>(syscall(SYS_accept, listener.get(), nullptr, nullptr)); });
#endif
  EXPECT_NE(slot_of(listener.get()).flags & flag::listener, 0u);
}

TEST_F(Open, AcceptOnAnUntrackedListenerAsksTheKernel) {
  const Descriptor listener(static_cast<int>(listening_socket()));
  // Copied behind our back, as a listener inherited over exec would be.
  const Descriptor hidden(copy_behind_our_back(listener.get()));
  if (hidden.get() < 0) GTEST_SKIP() << "pidfd_getfd is not available";
  const Descriptor peer(socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(peer.get(), address_of(listener.get())), 0);
  const Descriptor ours(accept(hidden.get(), nullptr, nullptr));
  EXPECT_TRUE(slot_of(ours.get()).live);
}

TEST_P(Pairs, OfUnixStreamsAreTrackedAndNoOthers) {
  ASSERT_TRUE(library_is_loaded());
  int ends[2];
  errno = 4711;
  ASSERT_EQ(GetParam().call(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, ends), 0);
  EXPECT_EQ(errno, 4711);
  const Descriptor streams[] = {Descriptor(ends[0]), Descriptor(ends[1])};
  for (const Descriptor& end : streams) {
    EXPECT_TRUE(slot_of(end.get()).live);
    EXPECT_NE(slot_of(end.get()).flags & flag::unix_stream, 0u);
  }
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    ASSERT_EQ(GetParam().call(AF_UNIX, type, ends), 0);
    const Descriptor others[] = {Descriptor(ends[0]), Descriptor(ends[1])};
    EXPECT_FALSE(slot_of(ends[0]).live);
    EXPECT_FALSE(slot_of(ends[1]).live);
  }
  EXPECT_EQ(GetParam().call(AF_INET, SOCK_STREAM, ends), -1);
  EXPECT_EQ(errno, EOPNOTSUPP);
}

INSTANTIATE_TEST_SUITE_P(Table, Pairs, testing::ValuesIn(kPairs), name_of<PairCall>);

TEST_F(Open, AcceptedUnixStreamsAreKnownAsSuch) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const Descriptor listener(socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);  // autobind
  ASSERT_EQ(listen(listener.get(), 1), 0);
  socklen_t length = sizeof address;
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  const Descriptor peer(socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(connect(peer.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  const Descriptor ours(accept(listener.get(), nullptr, nullptr));
  constexpr std::uint32_t kWanted = flag::unix_stream | flag::accepted;
  EXPECT_EQ(slot_of(ours.get()).flags & kWanted, kWanted);
}

TEST_P(Births, AreTrackedWithTheCallersStackAndErrnoKept) {
  ASSERT_TRUE(library_is_loaded());
  const Descriptor listener(listening_socket());
  const Descriptor peer(socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(peer.get(), address_of(listener.get())), 0);
  errno = 4711;
  const Descriptor ours(born_from_here(GetParam(), listener.get()));
  EXPECT_EQ(errno, 4711);
  ASSERT_GE(ours.get(), 0);
  EXPECT_TRUE(slot_of(ours.get()).live);
  EXPECT_TRUE(site_contains(slot_of(ours.get()).open_site, reinterpret_cast<const void*>(born_from_here)));
}

TEST_P(Connects, FailureIsSightedAndSuccessForgetsIt) {
  ASSERT_TRUE(library_is_loaded());
  const Descriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in dead = nobody();
  EXPECT_EQ(GetParam().call(fd.get(), dead), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  ASSERT_TRUE(slot_of(fd.get()).sighted);
  EXPECT_EQ(slot_of(fd.get()).operation, Operation::connect);
  const Descriptor listener(listening_socket());
  errno = 4711;
  EXPECT_EQ(GetParam().call(fd.get(), address_of(listener.get())), 0);
  EXPECT_EQ(errno, 4711);
  EXPECT_FALSE(slot_of(fd.get()).sighted);
  EXPECT_EQ(GetParam().call(fd.get(), address_of(listener.get())), -1);
  EXPECT_EQ(errno, EISCONN);
  EXPECT_FALSE(slot_of(fd.get()).sighted);
}

TEST_P(Shutdowns, OfBothWaysAreSighted) {
  ASSERT_TRUE(library_is_loaded());
  Connection connection = connect_pair();
  EXPECT_EQ(GetParam().call(connection.ours.get()), 0);
  ASSERT_TRUE(slot_of(connection.ours.get()).sighted);
  EXPECT_EQ(slot_of(connection.ours.get()).operation, Operation::shutdown);
  EXPECT_EQ(GetParam().call(-1), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_P(Questions, TakeTheErrorAndAreTheSighting) {
  ASSERT_TRUE(library_is_loaded());
  Connection connection = connect_pair();
  reset(connection);
  int error = 0;
  EXPECT_EQ(GetParam().call(connection.ours.get(), &error), 0);
  EXPECT_EQ(error, ECONNRESET);
  ASSERT_TRUE(slot_of(connection.ours.get()).sighted);
  EXPECT_EQ(slot_of(connection.ours.get()).operation, Operation::getsockopt);
  EXPECT_EQ(slot_of(connection.ours.get()).error, ECONNRESET);
}

INSTANTIATE_TEST_SUITE_P(Table, Births, testing::ValuesIn(kBirths), name_of<Call>);
INSTANTIATE_TEST_SUITE_P(Table, Connects, testing::ValuesIn(kConnects), name_of<ConnectCall>);
INSTANTIATE_TEST_SUITE_P(Table, Shutdowns, testing::ValuesIn(kShutdowns), name_of<Call>);
INSTANTIATE_TEST_SUITE_P(Table, Questions, testing::ValuesIn(kQuestions), name_of<Question>);

TEST_P(Listens, AreKnownFromThatCallOn) {
  ASSERT_TRUE(library_is_loaded());
  const Descriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(slot_of(fd.get()).flags & flag::listener, 0u);
  errno = 4711;
  EXPECT_EQ(GetParam().call(fd.get()), 0);
  EXPECT_EQ(errno, 4711);
  EXPECT_NE(slot_of(fd.get()).flags & flag::listener, 0u);
  EXPECT_EQ(GetParam().call(-1), -1);
  EXPECT_EQ(errno, EBADF);
  Connection connection = connect_pair();
  EXPECT_EQ(GetParam().call(connection.ours.get()), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(slot_of(connection.ours.get()).flags & flag::listener, 0u);
}

INSTANTIATE_TEST_SUITE_P(Table, Listens, testing::ValuesIn(kListens), name_of<Call>);

TEST_F(Open, NothingToAcceptKeepsErrno) {
  const Descriptor listener(listening_socket());
  set_nonblocking(listener.get());
  EXPECT_EQ(accept(listener.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(accept4(listener.get(), nullptr, nullptr, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(Open, RefusedConnectIsSighted) {
  const Descriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect_to(fd.get(), nobody()), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  const SlotView slot = slot_of(fd.get());
  ASSERT_TRUE(slot.sighted);
  EXPECT_EQ(slot.operation, Operation::connect);
  EXPECT_EQ(slot.error, ECONNREFUSED);
  EXPECT_NE(slot.flags & flag::connect_tried, 0u);
}

TEST_F(Open, ConnectingAnewForgetsTheFailure) {
  const Descriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect_to(fd.get(), nobody()), -1);
  const Descriptor listener(listening_socket());
  EXPECT_EQ(connect_to(fd.get(), address_of(listener.get())), 0);
  EXPECT_FALSE(slot_of(fd.get()).sighted);
}

TEST_F(Open, ErrorFetchedBySoErrorIsSighted) {
  const Descriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  if (connect_to(fd.get(), nobody()) == 0 || errno != EINPROGRESS) GTEST_SKIP() << "refused at once";
  pollfd one{fd.get(), POLLOUT, 0};
  ASSERT_EQ(poll(&one, 1, 10'000), 1);
  EXPECT_FALSE(slot_of(fd.get()).sighted);
  int error = 0;
  socklen_t length = sizeof error;
  EXPECT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, ECONNREFUSED);
  ASSERT_TRUE(slot_of(fd.get()).sighted);
  EXPECT_EQ(slot_of(fd.get()).operation, Operation::getsockopt);
  EXPECT_EQ(slot_of(fd.get()).error, ECONNREFUSED);
}

TEST_F(Open, SoErrorWithoutErrorIsNone) {
  Connection connection = connect_pair();
  int error = -1;
  socklen_t length = sizeof error;
  EXPECT_EQ(getsockopt(connection.ours.get(), SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, 0);
  EXPECT_FALSE(slot_of(connection.ours.get()).sighted);
}

TEST_F(Open, ShutdownIsMarkedAndBothWaysSighted) {
  Connection one = connect_pair();
  EXPECT_EQ(shutdown(one.ours.get(), SHUT_WR), 0);
  EXPECT_NE(slot_of(one.ours.get()).flags & flag::shut_write, 0u);
  EXPECT_FALSE(slot_of(one.ours.get()).sighted);
  Connection two = connect_pair();
  EXPECT_EQ(syscall(SYS_shutdown, two.ours.get(), SHUT_RDWR), 0);
  ASSERT_TRUE(slot_of(two.ours.get()).sighted);
  EXPECT_EQ(slot_of(two.ours.get()).operation, Operation::shutdown);
  const Descriptor unconnected(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(shutdown(unconnected.get(), SHUT_RDWR), -1);
  EXPECT_EQ(errno, ENOTCONN);
  EXPECT_FALSE(slot_of(unconnected.get()).sighted);
}

TEST_F(Open, RunningOutOfDescriptorsIsCountedAndToldToTheProgram) {
  const Descriptor first(socket_from_here());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = dup(first.get());
  close(lowest_free);
  const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int error = errno;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(fd, -1);
  EXPECT_EQ(error, EMFILE);
  EXPECT_EQ(socktrack::RecordingView::of_file(recording_path()).header().emfile.load(), 1u);
}
