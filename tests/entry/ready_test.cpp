// poll and epoll: what the program is told is remembered, and is exactly what it would be told anyway.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <ostream>
#include <string>

#include "own_recording.h"
#include "peers.h"

using namespace entry;
namespace flag = socktrack::slot_flag;

extern "C" {
int __poll(pollfd*, nfds_t, int);
int __poll_chk(pollfd*, nfds_t, int, size_t);
int __ppoll_chk(pollfd*, nfds_t, const timespec*, const sigset_t*, size_t);
}

namespace {

const timespec kAtOnce{0, 0};

struct Poll {
  const char* name;
  std::function<int(pollfd*, nfds_t)> call;
};
const Poll kPolls[] = {
    {"poll", [](pollfd* fds, nfds_t n) { return poll(fds, n, 0); }},
    {"__poll", [](pollfd* fds, nfds_t n) { return __poll(fds, n, 0); }},
    {"__poll_chk", [](pollfd* fds, nfds_t n) { return __poll_chk(fds, n, 0, n * sizeof *fds); }},
    {"ppoll", [](pollfd* fds, nfds_t n) { return ppoll(fds, n, &kAtOnce, nullptr); }},
    {"__ppoll_chk",
     [](pollfd* fds, nfds_t n) { return __ppoll_chk(fds, n, &kAtOnce, nullptr, n * sizeof *fds); }},
#ifdef SYS_poll
    {"syscall_poll", [](pollfd* fds, nfds_t n) { return static_cast<int>(syscall(SYS_poll, fds, n, 0)); }},
#endif
    {"syscall_ppoll",
     [](pollfd* fds, nfds_t n) {
       timespec at_once{};
       return static_cast<int>(syscall(SYS_ppoll, fds, n, &at_once, nullptr, 8));
     }},
};

struct Wait {
  const char* name;
  std::function<int(int, epoll_event*, int)> call;
};
const Wait kWaits[] = {
    {"epoll_wait", [](int set, epoll_event* events, int n) { return epoll_wait(set, events, n, 0); }},
    {"epoll_pwait",
     [](int set, epoll_event* events, int n) { return epoll_pwait(set, events, n, 0, nullptr); }},
    {"epoll_pwait2",
     [](int set, epoll_event* events, int n) { return epoll_pwait2(set, events, n, &kAtOnce, nullptr); }},
    {"syscall_epoll_pwait",
     [](int set, epoll_event* events, int n) {
       return static_cast<int>(syscall(SYS_epoll_pwait, set, events, n, 0, nullptr, 8));
     }},
};

struct Control {
  const char* name;
  std::function<int(int, int, int, epoll_event*)> call;
};
const Control kControls[] = {
    {"epoll_ctl", [](int set, int op, int fd, epoll_event* event) { return epoll_ctl(set, op, fd, event); }},
    {"syscall_epoll_ctl",
     [](int set, int op, int fd, epoll_event* event) {
       return static_cast<int>(syscall(SYS_epoll_ctl, set, op, fd, event));
     }},
};

template <typename T>
std::string name_of(const testing::TestParamInfo<T>& info) {
  return info.param.name;
}
void PrintTo(const Poll& one, std::ostream* out) { *out << one.name; }
void PrintTo(const Wait& one, std::ostream* out) { *out << one.name; }
void PrintTo(const Control& one, std::ostream* out) { *out << one.name; }

bool was_told(int fd) { return (slot_of(fd).flags & flag::told) != 0; }
bool is_member(int fd) { return (slot_of(fd).flags & flag::in_epoll) != 0; }

class EveryPoll : public testing::TestWithParam<Poll> {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
  Connection connection_ = connect_pair();
};

template <typename T>
class Epoll : public testing::TestWithParam<T> {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
  int fd() const { return connection_.ours.get(); }
  int set() const { return set_.get(); }
  void add(std::uint64_t data, std::uint32_t events = EPOLLIN | EPOLLRDHUP) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    ASSERT_EQ(epoll_ctl(set(), EPOLL_CTL_ADD, fd(), &event), 0);
  }
  Connection connection_ = connect_pair();
  Descriptor set_{epoll_create1(0)};
};
class EveryWait : public Epoll<Wait> {};
class EveryControl : public Epoll<Control> {};

}  // namespace

TEST_P(EveryPoll, ToldOfTheHangUpItAskedFor) {
  end_stream(connection_);
  pollfd fds[] = {{connection_.ours.get(), POLLIN | POLLRDHUP, 0}};
  errno = 4711;
  EXPECT_EQ(GetParam().call(fds, 1), 1);
  EXPECT_EQ(errno, 4711);
  EXPECT_EQ(fds[0].events, POLLIN | POLLRDHUP);
  EXPECT_EQ(fds[0].revents, POLLIN | POLLRDHUP);
  EXPECT_TRUE(was_told(connection_.ours.get()));
  EXPECT_FALSE(slot_of(connection_.ours.get()).sighted);
}

TEST_P(EveryPoll, ToldOfErrorsItNeverAskedFor) {
  reset(connection_);
  Connection other = connect_pair();
  pollfd fds[] = {{-1, POLLIN, 0}, {other.ours.get(), POLLIN, 0}, {connection_.ours.get(), 0, 0}};
  EXPECT_EQ(GetParam().call(fds, 3), 1);
  EXPECT_NE(fds[2].revents & POLLERR, 0);
  EXPECT_TRUE(was_told(connection_.ours.get()));
  EXPECT_FALSE(was_told(other.ours.get()));
}

TEST_P(EveryPoll, ReadableIsNotOver) {
  end_stream(connection_);
  pollfd fds[] = {{connection_.ours.get(), POLLIN, 0}};
  EXPECT_EQ(GetParam().call(fds, 1), 1);
  EXPECT_EQ(fds[0].revents, POLLIN);
  EXPECT_FALSE(was_told(connection_.ours.get()));
}

TEST_P(EveryPoll, NothingAndFailureAreAsBefore) {
  pollfd fds[] = {{connection_.ours.get(), POLLIN, 0}};
  EXPECT_EQ(GetParam().call(fds, 1), 0);
  EXPECT_EQ(GetParam().call(nullptr, 0), 0);
  EXPECT_FALSE(was_told(connection_.ours.get()));
}

TEST_P(EveryWait, ToldWhereTheDataIsTheDescriptor) {
  add(static_cast<std::uint64_t>(fd()));
  end_stream(connection_);
  epoll_event events[4];
  errno = 4711;
  EXPECT_EQ(GetParam().call(set(), events, 4), 1);
  EXPECT_EQ(errno, 4711);
  EXPECT_EQ(events[0].data.u64, static_cast<std::uint64_t>(fd()));
  EXPECT_EQ(events[0].events, EPOLLIN | EPOLLRDHUP);
  EXPECT_TRUE(was_told(fd()));
  EXPECT_FALSE(slot_of(fd()).sighted);
}

TEST_P(EveryWait, OpaqueDataSaysNothing) {
  add(reinterpret_cast<std::uint64_t>(this));
  end_stream(connection_);
  epoll_event events[4];
  EXPECT_EQ(GetParam().call(set(), events, 4), 1);
  EXPECT_EQ(events[0].data.u64, reinterpret_cast<std::uint64_t>(this));
  EXPECT_FALSE(was_told(fd()));
  EXPECT_TRUE(is_member(fd()));
}

// An index of the program may be the number of a healthy socket.
TEST_P(EveryWait, AnotherMembersDataIsNotTakenForTheDescriptor) {
  Connection healthy = connect_pair();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = static_cast<std::uint64_t>(healthy.ours.get());
  ASSERT_EQ(epoll_ctl(set(), EPOLL_CTL_ADD, healthy.ours.get(), &event), 0);
  add(static_cast<std::uint64_t>(healthy.ours.get()));
  end_stream(connection_);
  epoll_event events[4];
  EXPECT_EQ(GetParam().call(set(), events, 4), 1);
  EXPECT_FALSE(was_told(healthy.ours.get()));
}

TEST_P(EveryWait, NothingHappenedAndFailure) {
  add(static_cast<std::uint64_t>(fd()));
  epoll_event events[4];
  EXPECT_EQ(GetParam().call(set(), events, 4), 0);
  EXPECT_EQ(GetParam().call(-1, events, 4), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_P(EveryControl, MembershipIsRemembered) {
  epoll_event event{};
  event.events = EPOLLIN;
  errno = 4711;
  EXPECT_EQ(GetParam().call(set(), EPOLL_CTL_ADD, fd(), &event), 0);
  EXPECT_EQ(errno, 4711);
  EXPECT_TRUE(is_member(fd()));
  EXPECT_EQ(GetParam().call(set(), EPOLL_CTL_ADD, fd(), &event), -1);
  EXPECT_EQ(errno, EEXIST);
  EXPECT_TRUE(is_member(fd()));
  EXPECT_EQ(GetParam().call(set(), EPOLL_CTL_DEL, fd(), nullptr), 0);
  EXPECT_FALSE(is_member(fd()));
  EXPECT_EQ(GetParam().call(set(), EPOLL_CTL_MOD, fd(), &event), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(is_member(fd()));
}

TEST(Told, IsForgottenWhenTheSocketConnectsAnew) {
  ASSERT_TRUE(library_is_loaded());
  const Descriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  pollfd one{fd.get(), POLLOUT, 0};
  ASSERT_EQ(poll(&one, 1, 0), 1);  // an unconnected socket hangs up
  ASSERT_TRUE(was_told(fd.get()));
  const Descriptor listener(listening_socket());
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_FALSE(was_told(fd.get()));
}

INSTANTIATE_TEST_SUITE_P(Table, EveryPoll, testing::ValuesIn(kPolls), name_of<Poll>);
INSTANTIATE_TEST_SUITE_P(Table, EveryWait, testing::ValuesIn(kWaits), name_of<Wait>);
INSTANTIATE_TEST_SUITE_P(Table, EveryControl, testing::ValuesIn(kControls), name_of<Control>);
