// Who else uses a socket, as /proc tells it.
#include "watch/surroundings.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "watch/probe.h"

using namespace socktrack;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

bool nothing_readable(std::uint64_t, void*, std::size_t) { return false; }
bool own_memory(std::uint64_t address, void* to, std::size_t size) {
  std::memcpy(to, reinterpret_cast<const void*>(address), size);
  return true;
}

std::string call(long number, std::uint64_t a, std::uint64_t b = 0) {
  char line[256];
  std::snprintf(line, sizeof line, "%ld 0x%lx 0x%lx 0x0 0x0 0x0 0x0 0x7ffc 0x7f12\n", number, a, b);
  return line;
}

Subject subject_of(int fd) {
  struct stat facts {};
  fstat(fd, &facts);
  Subject subject;
  subject.fd = fd;
  subject.inode = facts.st_ino;
  return subject;
}

Subject looked_at(int fd) {
  Subject subject = subject_of(fd);
  look_around(getpid(), gettid(), &subject, 1);
  return subject;
}

// A listener waits for ever in accept(), which is all these tests need.
int tcp_listener() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  listen(fd, 8);
  return fd;
}

}  // namespace

TEST(DescriptorsInCall, FirstArguments) {
  EXPECT_THAT(descriptors_in_call(call(SYS_recvfrom, 7), nothing_readable), ElementsAre(7));
  EXPECT_THAT(descriptors_in_call(call(SYS_accept4, 8), nothing_readable), ElementsAre(8));
  EXPECT_THAT(descriptors_in_call(call(SYS_sendfile, 8, 9), nothing_readable), ElementsAre(8, 9));
  EXPECT_THAT(descriptors_in_call(call(SYS_futex, 7), nothing_readable), IsEmpty());
  EXPECT_THAT(descriptors_in_call("running\n", nothing_readable), IsEmpty());
  EXPECT_THAT(descriptors_in_call("", nothing_readable), IsEmpty());
  EXPECT_THAT(descriptors_in_call("-1 0x7ffc 0x7f12\n", nothing_readable), IsEmpty());
}

TEST(DescriptorsInCall, ArraysOfPollAndSelect) {
  const pollfd polled[] = {{5, POLLIN, 0}, {-1, 0, 0}, {9, POLLOUT, 0}};
  EXPECT_THAT(descriptors_in_call(call(SYS_ppoll, reinterpret_cast<std::uint64_t>(polled), 3), own_memory),
              ElementsAre(5, -1, 9));
  EXPECT_THAT(descriptors_in_call(call(SYS_ppoll, 0x10, 3), nothing_readable), IsEmpty());
  fd_set set;
  FD_ZERO(&set);
  FD_SET(70, &set);
  EXPECT_THAT(descriptors_in_call(call(SYS_pselect6, 71, reinterpret_cast<std::uint64_t>(&set)), own_memory),
              ElementsAre(70));
}

TEST(SeerInCall, WhatTellsThatAThreadIsDone) {
  EXPECT_EQ(seer_in_call(call(SYS_accept4, 8)), Seer::accepts);
  EXPECT_EQ(seer_in_call(call(SYS_clock_nanosleep, 0)), Seer::busy);
  EXPECT_EQ(seer_in_call("running\n"), Seer::busy);
  EXPECT_EQ(seer_in_call(call(SYS_recvfrom, 7)), Seer::waits);
  EXPECT_EQ(seer_in_call(call(SYS_futex, 7)), Seer::waits);
  EXPECT_EQ(seer_in_call(""), Seer::unknown);
  EXPECT_EQ(seer_in_call("-1 0x7ffc 0x7f12\n"), Seer::unknown);
}

TEST(EpollLine, AsTheKernelWritesIt) {
  EpollEntry entry;
  ASSERT_TRUE(
      parse_epoll_line("tfd:        8 events:       19 data:                8  pos:0 ino:1b2 sdev:8", entry));
  EXPECT_EQ(entry.fd, 8);
  EXPECT_EQ(entry.events, 0x19U);
  EXPECT_EQ(entry.inode, 0x1b2U);
  EXPECT_FALSE(parse_epoll_line("pos:\t0", entry));
  EXPECT_FALSE(parse_epoll_line("", entry));
}

TEST(WouldSpin, OnlyWhatNothingHasWokenYet) {
  EXPECT_TRUE(would_spin(EPOLLERR | EPOLLHUP));
  EXPECT_TRUE(would_spin(EPOLLPRI | EPOLLERR | EPOLLHUP));
  EXPECT_FALSE(would_spin(EPOLLIN | EPOLLERR | EPOLLHUP));
  EXPECT_FALSE(would_spin(EPOLLERR | EPOLLHUP | EPOLLET));
  EXPECT_FALSE(would_spin(EPOLLONESHOT));
}

TEST(LookAround, NobodyElse) {
  const int fd = tcp_listener();
  const Subject subject = looked_at(fd);
  EXPECT_TRUE(subject.around.known);
  EXPECT_FALSE(subject.around.other_process);
  EXPECT_FALSE(subject.around.thread_inside);
  EXPECT_EQ(subject.epoll_count, 0U);
  close(fd);
}

TEST(LookAround, AnotherProcess) {
  const int fd = tcp_listener();
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(pipes[1]);
    char end;
    while (read(pipes[0], &end, 1) > 0) {
    }
    _exit(0);
  }
  EXPECT_TRUE(looked_at(fd).around.other_process);
  close(pipes[1]);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(looked_at(fd).around.other_process);
  close(pipes[0]);
  close(fd);
}

TEST(LookAround, AThreadInAccept) {
  const int fd = tcp_listener();
  std::thread blocked([fd] { accept(fd, nullptr, nullptr); });
  while (!looked_at(fd).around.thread_inside) std::this_thread::yield();
  shutdown(fd, SHUT_RDWR);
  blocked.join();
  EXPECT_FALSE(looked_at(fd).around.thread_inside);
  close(fd);
}

TEST(LookAround, AThreadInPoll) {
  const int fd = tcp_listener();
  std::thread blocked([fd] {
    pollfd polled{fd, POLLIN, 0};
    poll(&polled, 1, -1);
  });
  while (!looked_at(fd).around.thread_inside) std::this_thread::yield();
  shutdown(fd, SHUT_RDWR);
  blocked.join();
  close(fd);
}

TEST(LookAround, EpollSets) {
  const int fd = tcp_listener();
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
  Subject subject = looked_at(fd);
  ASSERT_EQ(subject.epoll_count, 1U);
  EXPECT_EQ(subject.epolls[0], epoll);
  EXPECT_FALSE(subject.around.epoll_unknown);
  EXPECT_FALSE(subject.around.epoll_spins);

  event.events = 0;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event), 0);
  EXPECT_TRUE(looked_at(fd).around.epoll_spins);

  // Registered under a number that is closed: the registration lives on with the copy.
  const int copy = dup(fd);
  close(fd);
  EXPECT_TRUE(looked_at(copy).around.epoll_unknown);
  close(copy);
  close(epoll);
}

TEST(LookAround, TheThreadThatReadTheEnd) {
  const int fd = tcp_listener();
  std::atomic<pid_t> tid{0};
  std::thread blocked([&] {
    tid = gettid();
    accept(fd, nullptr, nullptr);
  });
  while (tid == 0) std::this_thread::yield();
  const auto seer = [&] {
    Subject subject = subject_of(fd);
    subject.seer_tid = static_cast<std::uint32_t>(tid.load());
    look_around(getpid(), gettid(), &subject, 1);
    return subject.around.seer;
  };
  while (seer() != Seer::accepts) std::this_thread::yield();
  shutdown(fd, SHUT_RDWR);
  blocked.join();
  while (seer() != Seer::ended) std::this_thread::yield();  // its entry outlives the join for a moment
  EXPECT_EQ(looked_at(fd).around.seer, Seer::unknown) << "not asked for";
  close(fd);
}

// The one socket of IPv6 takes clients of both kinds.
TEST(LookAround, ThePeerOnThisHost) {
  for (const int family : {AF_INET, AF_INET6}) {
    const int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) GTEST_SKIP() << "no IPv6";
    ASSERT_EQ(listen(listener, 8), 0);
    sockaddr_in6 at{};
    socklen_t size = sizeof at;
    ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = at.sin6_port;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin6_addr = in6addr_loopback;
    const int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(family == AF_INET ? connect(client, reinterpret_cast<sockaddr*>(&v4), sizeof v4)
                                : connect(client, reinterpret_cast<sockaddr*>(&at), sizeof at),
              0);
    const int server = accept(listener, nullptr, nullptr);
    ASSERT_GE(server, 0);
    const auto peer = [server] {
      Subject subject = subject_of(server);
      const SocketAddresses addresses = socket_addresses(server);
      subject.local = addresses.local;
      subject.peer = addresses.peer;
      look_around(getpid(), gettid(), &subject, 1);
      return subject.around.peer;
    };
    EXPECT_EQ(peer(), PeerEnd::held);
    shutdown(client, SHUT_WR);
    EXPECT_EQ(peer(), PeerEnd::held);
    close(client);  // lives on in FIN_WAIT2, without a file
    EXPECT_EQ(peer(), PeerEnd::gone);
    EXPECT_EQ(looked_at(server).around.peer, PeerEnd::unknown) << "not asked for";
    close(server);
    close(listener);
  }
}
