// Tests of a small client, with the listener that finds what they forget to close. The disabled ones do
// forget:
//
//   socktrack run -- ./no_leak_test --gtest_also_run_disabled_tests
#include "no_leak_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace {

sockaddr* as_address(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

// A connection over loopback: the client's end and the server's.
std::pair<int, int> connected() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(bind(listener, as_address(address), size), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(getsockname(listener, as_address(address), &size), 0);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(client, as_address(address), size), 0);
  const int server = accept(listener, nullptr, nullptr);
  close(listener);
  return {client, server};
}

__attribute__((noinline)) bool read_to_end(int fd) {
  char piece[64];
  ssize_t got = 0;
  while ((got = recv(fd, piece, sizeof piece, 0)) > 0) continue;
  return got == 0;
}

TEST(Client, ClosesAtTheEnd) {
  const auto [client, server] = connected();
  close(server);
  EXPECT_TRUE(read_to_end(client));
  close(client);
}

TEST(Client, DISABLED_ForgetsToClose) {
  const auto [client, server] = connected();
  socktrack_pool(client, "replies");
  close(server);
  EXPECT_TRUE(read_to_end(client));
}

TEST(Client, ClosesAfterOneThatForgot) {
  const auto [client, server] = connected();
  close(server);
  EXPECT_TRUE(read_to_end(client));
  close(client);
}

// A socket that is kept on purpose, whatever happens to it.
TEST(Client, KeepsOneOnPurpose) {
  const auto [client, server] = connected();
  socktrack_ignore(client);
  close(server);
  EXPECT_TRUE(read_to_end(client));
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new NoLeakListener);
  return RUN_ALL_TESTS();
}
