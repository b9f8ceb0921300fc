// The kernel's own list, read on loopback: what ss would say of sockets in known states.
#include "watch/sock_diag.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "watch/probe.h"

using namespace socktrack;

namespace {

struct Seen {
  DiagSocket socket;
  std::string name;
  std::uint8_t state_in_info = 0;
};

bool collect(void* context, const DiagSocket& socket) {
  Seen seen{socket, socket.name == nullptr ? "" : std::string(socket.name, socket.name_size), 0};
  if (socket.tcp_info_size > 0) std::memcpy(&seen.state_in_info, socket.tcp_info, 1);
  static_cast<std::vector<Seen>*>(context)->push_back(seen);
  return true;
}

std::uint64_t inode_of(int fd) {
  struct stat facts {};
  EXPECT_EQ(fstat(fd, &facts), 0);
  return facts.st_ino;
}

const Seen* with_cookie(const std::vector<Seen>& all, std::uint64_t cookie) {
  for (const Seen& seen : all) {
    if (seen.socket.cookie == cookie) return &seen;
  }
  return nullptr;
}

class SockDiag : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    netlink_ = open_sock_diag();
    ASSERT_GE(netlink_, 0);
    listener_ = socket(GetParam(), SOCK_STREAM, 0);
    if (listener_ < 0) GTEST_SKIP() << "no such address family here";
    socklen_t size = sizeof address_;
    address_.ss_family = static_cast<sa_family_t>(GetParam());
    if (GetParam() == AF_INET6) {
      reinterpret_cast<sockaddr_in6&>(address_).sin6_addr = in6addr_loopback;
      size = sizeof(sockaddr_in6);
    } else {
      reinterpret_cast<sockaddr_in&>(address_).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      size = sizeof(sockaddr_in);
    }
    size_ = size;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address_), size_) != 0) GTEST_SKIP() << "no loopback";
    ASSERT_EQ(listen(listener_, 7), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
  }
  void TearDown() override {
    for (const int fd : opened_) close(fd);
    if (listener_ >= 0) close(listener_);
    if (netlink_ >= 0) close_sock_diag(netlink_);
  }
  int connect_one() {
    const int fd = socket(GetParam(), SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address_), size_), 0);
    opened_.push_back(fd);
    return fd;
  }
  int accept_one() {
    const int fd = accept(listener_, nullptr, nullptr);
    opened_.push_back(fd);
    return fd;
  }
  // The peer has sent `text` and its FIN, and both have arrived.
  int half_closed(const char* text) {
    const int client = connect_one();
    const int server = accept_one();
    EXPECT_EQ(send(client, text, strlen(text), 0), static_cast<ssize_t>(strlen(text)));
    shutdown(client, SHUT_WR);
    pollfd end{server, POLLRDHUP, 0};
    EXPECT_EQ(poll(&end, 1, 10'000), 1);
    return server;
  }
  std::vector<Seen> dump(std::uint32_t states, bool with_info = false) {
    std::vector<Seen> all;
    const DiagAnswer answer =
        dump_tcp(netlink_, static_cast<std::uint8_t>(GetParam()), states, with_info, collect, &all);
    EXPECT_TRUE(answer == DiagAnswer::complete || answer == DiagAnswer::interrupted);
    return all;
  }

  int netlink_ = -1;
  int listener_ = -1;
  sockaddr_storage address_{};
  socklen_t size_ = 0;
  std::vector<int> opened_;
};

TEST_P(SockDiag, CountsTheFinUntilItIsRead) {
  const int bare = half_closed("");
  const int data = half_closed("hello");
  const int told = half_closed("");
  char byte;
  ASSERT_EQ(recv(told, &byte, 1, 0), 0);
  const std::vector<Seen> all = dump(diag_state(TCP_CLOSE_WAIT));
  for (const auto& [fd, queue] : {std::pair{bare, 1U}, {data, 6U}, {told, 0U}}) {
    const Seen* seen = with_cookie(all, socket_cookie(fd));
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(seen->socket.recv_q, queue);
    EXPECT_EQ(seen->socket.state, TCP_CLOSE_WAIT);
    EXPECT_EQ(seen->socket.inode, inode_of(fd));
    const SocketAddresses addresses = socket_addresses(fd);
    EXPECT_EQ(std::memcmp(&seen->socket.local, &addresses.local, sizeof addresses.local), 0);
    EXPECT_EQ(std::memcmp(&seen->socket.peer, &addresses.peer, sizeof addresses.peer), 0);
  }
}

TEST_P(SockDiag, ListsOnlyTheStatesAskedFor) {
  const int server = half_closed("");
  EXPECT_EQ(with_cookie(dump(diag_state(TCP_ESTABLISHED)), socket_cookie(server)), nullptr);
  for (const Seen& seen : dump(diag_state(TCP_LISTEN))) EXPECT_EQ(seen.socket.state, TCP_LISTEN);
}

TEST_P(SockDiag, ShowsTheListenQueue) {
  const int waiting = connect_one();
  const int gone = connect_one();
  shutdown(gone, SHUT_WR);
  const std::vector<Seen> all = dump(kDiagAllStates);
  const Seen* listener = with_cookie(all, socket_cookie(listener_));
  ASSERT_NE(listener, nullptr);
  EXPECT_EQ(listener->socket.recv_q, 2u);
  EXPECT_EQ(listener->socket.send_q, 7u);
  unsigned queued = 0;
  for (const Seen& seen : all) {
    const bool ours = seen.socket.local.port == listener->socket.local.port && seen.socket.inode == 0;
    if (ours && seen.socket.state != TCP_TIME_WAIT) queued++;
  }
  EXPECT_EQ(queued, 2u);
  (void)waiting;
}

TEST_P(SockDiag, BringsTcpInfoIfAsked) {
  const int server = half_closed("");
  const std::vector<Seen> all = dump(diag_state(TCP_CLOSE_WAIT), true);
  const Seen* seen = with_cookie(all, socket_cookie(server));
  ASSERT_NE(seen, nullptr);
  EXPECT_GE(seen->socket.tcp_info_size, offsetof(tcp_info, tcpi_rcv_rtt));
  EXPECT_EQ(seen->state_in_info, TCP_CLOSE_WAIT);
}

TEST_P(SockDiag, FindsOneByItsAddresses) {
  const int server = half_closed("abc");
  const SocketAddresses addresses = socket_addresses(server);
  std::vector<Seen> all;
  ASSERT_TRUE(find_tcp(netlink_, addresses.local, addresses.peer, collect, &all));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].socket.cookie, socket_cookie(server));
  EXPECT_EQ(all[0].socket.recv_q, 4u);
  close(server);
  opened_.erase(std::find(opened_.begin(), opened_.end(), server));
  Endpoint nobody = addresses.peer;
  nobody.port = 1;
  EXPECT_FALSE(find_tcp(netlink_, addresses.local, nobody, collect, &all));
}

TEST_P(SockDiag, EndsWhenTheVisitorHasEnoughAndCanBeAskedAgain) {
  for (int i = 0; i < 300; i++) connect_one(), accept_one();  // more than one buffer
  int seen = 0;
  const auto first_only = [](void* context, const DiagSocket&) {
    ++*static_cast<int*>(context);
    return false;
  };
  EXPECT_EQ(
      dump_tcp(netlink_, static_cast<std::uint8_t>(GetParam()), kDiagAllStates, true, first_only, &seen),
      DiagAnswer::ended);
  EXPECT_EQ(seen, 1);
  const std::vector<Seen> all = dump(kDiagAllStates);
  for (const int fd : opened_) EXPECT_NE(with_cookie(all, socket_cookie(fd)), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Tcp, SockDiag, testing::Values(AF_INET, AF_INET6),
                         [](const auto& each) { return each.param == AF_INET ? "IPv4" : "IPv6"; });

TEST(SockDiagUnix, KnowsNamesQueuesAndThatThePeerIsGone) {
  const int netlink = open_sock_diag();
  ASSERT_GE(netlink, 0);
  int living[2];
  int orphan[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, living), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, orphan), 0);
  ASSERT_EQ(send(orphan[1], "data", 4, 0), 4);
  close(orphan[1]);
  const int named = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = std::string(1, '\0') + "socktrack-test-" + std::to_string(getpid());
  std::memcpy(address.sun_path, name.data(), name.size());
  ASSERT_EQ(bind(named, reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
            0);
  ASSERT_EQ(listen(named, 5), 0);

  std::vector<Seen> all;
  ASSERT_NE(dump_unix(netlink, kDiagAllStates, collect, &all), DiagAnswer::refused);
  const Seen* alive = with_cookie(all, socket_cookie(living[0]));
  ASSERT_NE(alive, nullptr);
  EXPECT_EQ(alive->socket.peer_inode, inode_of(living[1]));
  EXPECT_EQ(alive->socket.shutdown, 0);
  EXPECT_EQ(alive->socket.type, SOCK_STREAM);
  const Seen* over = with_cookie(all, socket_cookie(orphan[0]));
  ASSERT_NE(over, nullptr);
  EXPECT_EQ(over->socket.shutdown, 3);
  EXPECT_EQ(over->socket.peer_inode, 0u);
  EXPECT_EQ(over->socket.recv_q, 4u);
  const Seen* listener = with_cookie(all, socket_cookie(named));
  ASSERT_NE(listener, nullptr);
  EXPECT_EQ(listener->name, name);
  EXPECT_EQ(listener->socket.send_q, 5u);
  for (const int fd : {living[0], living[1], orphan[0], named}) close(fd);
  close_sock_diag(netlink);
}

}  // namespace
