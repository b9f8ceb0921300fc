// What can be asked of a descriptor: the unread FIN, the farewell of TLS, the end of a UNIX stream. And
// that asking changes nothing.
#include "watch/probe.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

using namespace socktrack;

namespace {

constexpr std::uint64_t kNow = 1'000'000'000'000;

// `first` is ours, `second` the peer's.
struct Pair {
  int first = -1;
  int second = -1;
  ~Pair() {
    close(first);
    if (second >= 0) close(second);
  }
  void peer_closes() {
    close(second);
    second = -1;
    wait_for(POLLRDHUP);
  }
  void peer_says(const void* bytes, std::size_t size) const {
    EXPECT_EQ(send(second, bytes, size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
  }
  void wait_for(short events) const {
    pollfd polled{first, events, 0};
    EXPECT_EQ(poll(&polled, 1, 10'000), 1);
  }
};

Pair tcp_pair() {
  Pair pair;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  pair.second = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(pair.second, reinterpret_cast<sockaddr*>(&address), size), 0);
  pair.first = accept(listener, nullptr, nullptr);
  close(listener);
  return pair;
}

Pair unix_pair() {
  Pair pair;
  int both[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
  pair.first = both[0];
  pair.second = both[1];
  return pair;
}

KernelFacts tcp_facts(const Pair& pair) {
  KernelFacts facts;
  EXPECT_TRUE(probe_tcp(pair.first, kNow, facts));
  return facts;
}

KernelFacts unix_facts(int fd) {
  KernelFacts facts;
  EXPECT_TRUE(probe_unix(fd, facts));
  return facts;
}

std::string record(unsigned char type, std::size_t body) {
  std::string bytes{static_cast<char>(type), 3, 3, static_cast<char>(body >> 8U), static_cast<char>(body)};
  return bytes + std::string(body, 'x');
}

}  // namespace

TEST(Probe, TheFinIsUnreadUntilItIsRead) {
  Pair pair = tcp_pair();
  EXPECT_EQ(tcp_facts(pair).fin, Fin::unknown);  // there is none
  pair.peer_closes();
  EXPECT_EQ(tcp_facts(pair).fin, Fin::unread);
  char byte;
  EXPECT_EQ(recv(pair.first, &byte, 1, MSG_PEEK), 0);
  EXPECT_EQ(tcp_facts(pair).fin, Fin::unread);
  EXPECT_EQ(recv(pair.first, &byte, 1, 0), 0);
  EXPECT_EQ(tcp_facts(pair).fin, Fin::read);
  EXPECT_EQ(tcp_facts(pair).state, TCP_CLOSE_WAIT);
}

TEST(Probe, DataThatIsReadWithTheFinBehindIt) {
  Pair pair = tcp_pair();
  pair.peer_says("hello", 5);
  pair.peer_closes();
  EXPECT_EQ(tcp_facts(pair).unread, 5u);
  EXPECT_EQ(tcp_facts(pair).fin, Fin::unread);
  char text[5];
  EXPECT_EQ(recv(pair.first, text, 3, 0), 3);
  EXPECT_EQ(tcp_facts(pair).fin, Fin::unread);
  EXPECT_EQ(recv(pair.first, text, 5, 0), 2);
  EXPECT_EQ(tcp_facts(pair).unread, 0u);
  EXPECT_NE(tcp_facts(pair).fin, Fin::unknown);  // whether this read ran into the FIN is up to the packets
}

class Farewell : public testing::TestWithParam<std::pair<std::string, bool>> {};

TEST_P(Farewell, IsToldFromData) {
  const auto& [bytes, farewell] = GetParam();
  Pair pair = tcp_pair();
  pair.peer_says(bytes.data(), bytes.size());
  pair.peer_closes();
  EXPECT_EQ(tcp_facts(pair).close_notify, farewell);
  std::string read(bytes.size() + 1, 0);
  EXPECT_EQ(recv(pair.first, read.data(), read.size(), 0), static_cast<ssize_t>(bytes.size()))
      << "asking must not take anything out of the queue";
  read.pop_back();
  EXPECT_EQ(read, bytes);
}

INSTANTIATE_TEST_SUITE_P(Probe, Farewell,
                         testing::Values(std::pair{record(21, 26), true},   // TLS 1.2, AES-GCM
                                         std::pair{record(21, 18), true},   // ChaCha20-Poly1305
                                         std::pair{record(23, 19), true},   // TLS 1.3
                                         std::pair{record(21, 2), true},    // before encryption
                                         std::pair{record(23, 40), false},  // application data
                                         std::pair{record(22, 20), false},  // handshake
                                         std::pair{record(21, 26) + "x", false},
                                         std::pair{std::string(24, 'a'), false},
                                         std::pair{std::string(31, '\25'), false},
                                         std::pair{std::string("HTTP/1.1 200 OK\r\n\r\n"), false}));

TEST(Probe, APeekOffsetOfTheProgramIsLeftAlone) {
  Pair pair = tcp_pair();
  const int offset = 0;
  if (setsockopt(pair.first, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) != 0)
    GTEST_SKIP() << "this kernel knows no SO_PEEK_OFF for TCP";
  const std::string bytes = record(23, 19);
  pair.peer_says(bytes.data(), bytes.size());
  pair.peer_closes();
  EXPECT_FALSE(tcp_facts(pair).close_notify);
  int now = -1;
  socklen_t length = sizeof now;
  EXPECT_EQ(getsockopt(pair.first, SOL_SOCKET, SO_PEEK_OFF, &now, &length), 0);
  EXPECT_EQ(now, 0);
}

TEST(Probe, UnixStreamWhosePeerClosed) {
  Pair pair = unix_pair();
  EXPECT_EQ(unix_facts(pair.first).state, TCP_ESTABLISHED);
  pair.peer_says("abc", 3);
  pair.peer_closes();
  const KernelFacts facts = unix_facts(pair.first);
  EXPECT_EQ(facts.state, TCP_CLOSE_WAIT);
  EXPECT_EQ(facts.unread, 3u);
  EXPECT_TRUE(facts.was_connected);
}

TEST(Probe, UnixPeerThatOnlyShutItsWritingSideLives) {
  Pair pair = unix_pair();
  shutdown(pair.second, SHUT_WR);
  EXPECT_EQ(unix_facts(pair.first).state, TCP_ESTABLISHED);
}

TEST(Probe, UnixSocketsThatWereNeverConnected) {
  const int fresh = socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(unix_facts(fresh).state, TCP_CLOSE);
  EXPECT_FALSE(unix_facts(fresh).was_connected);
  EXPECT_FALSE(unix_facts(fresh).bound);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_EQ(bind(fresh, reinterpret_cast<sockaddr*>(&address), sizeof address.sun_family), 0);  // autobind
  EXPECT_TRUE(unix_facts(fresh).bound);
  ASSERT_EQ(listen(fresh, 1), 0);
  EXPECT_EQ(unix_facts(fresh).state, TCP_LISTEN);
  close(fresh);
}

TEST(Probe, EachKnowsItsOwnKindOnly) {
  KernelFacts facts;
  const Pair tcp = tcp_pair();
  const Pair stream = unix_pair();
  EXPECT_FALSE(probe_unix(tcp.first, facts));
  EXPECT_FALSE(probe_tcp(stream.first, kNow, facts));
  EXPECT_FALSE(probe_unix(-1, facts));
}

TEST(Probe, NamesOfUnixConnections) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "socktrack-probe-" + std::to_string(getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  Pair pair;
  pair.second = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(connect(pair.second, reinterpret_cast<sockaddr*>(&address), size), 0);
  pair.first = accept(listener, nullptr, nullptr);
  const SocketAddresses server = socket_addresses(pair.first);
  EXPECT_EQ(server.local.family, AF_UNIX);
  EXPECT_EQ(server.local.port, 1);
  EXPECT_EQ(server.path, "@" + name);
  EXPECT_EQ(server.peer.scope, static_cast<std::uint32_t>(getpid()));
  const SocketAddresses client = socket_addresses(pair.second);
  EXPECT_EQ(client.local.port, 0);
  EXPECT_EQ(client.peer.port, 1);
  EXPECT_EQ(client.path, "@" + name);
  close(listener);
}
