// What a number is once its socket has been parked: docs/mitigation.md, "What a parked number does".
#include <gmock/gmock.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "harness/ladder.h"

using namespace scenario;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class LadderParked : public testing::Test {
 protected:
  void park(int number) {
    ladder_.ask("leak", number);
    fingerprint_ = ladder_.fingerprint_of(static_cast<std::uint64_t>(number));
    ladder_.mitigate(order("park", fingerprint_));
    ASSERT_TRUE(ladder_.has_acted("park", static_cast<std::uint64_t>(number))) << ladder_.told();
  }
  bool is_off_by(const std::string& call) {
    return eventually([&] {
      const Json told = ladder_.group()["mitigation"];
      return told["off_ladder"] == true && told["used_by"] == call;
    });
  }
  std::string watch(const std::string& how, int i, std::uint32_t events) {
    return ladder_.ask(how + " " + std::to_string(i) + " " + std::to_string(static_cast<int>(events)));
  }

  Ladder ladder_;
  std::string fingerprint_;
};

// As the kernel counts them: "TCP: inuse 5 orphan 0 tw 0 alloc 9 mem 1".
long allocated_sockets() {
  std::ifstream file("/proc/net/sockstat");
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(" alloc ");
    if (line.rfind("TCP:", 0) == 0 && at != std::string::npos) return std::stol(line.substr(at + 7));
  }
  return -1;
}

// Objects in use of a slab; -1 where only root may look.
long slab_objects(const std::string& name) {
  std::ifstream file("/proc/slabinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string slab;
    long active = 0;
    if (words >> slab >> active && slab == name) return active;
  }
  return -1;
}

// Connections of a local port in one state, as /proc/net/tcp has them.
std::size_t connections_on(int port, const std::string& wanted) {
  std::ifstream file("/proc/net/tcp");
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string number, local, peer, state;
    if (!(words >> number >> local >> peer >> state) || state != wanted) continue;
    if (std::stoi(local.substr(local.find(':') + 1), nullptr, 16) == port) count++;
  }
  return count;
}

bool is_full() {
  const char* storm = std::getenv("SOCKTRACK_STORM");
  return storm != nullptr && std::string(storm) == "full";
}

// Different sockets under all numbers of a process.
std::size_t sockets_of(pid_t pid) {
  std::set<std::string> sockets;
  for (const auto& each : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    const std::string link = std::filesystem::read_symlink(each.path(), gone);
    if (link.rfind("socket:", 0) == 0) sockets.insert(link);
  }
  return sockets.size();
}

}  // namespace

TEST_F(LadderParked, KeepsTheNumberAndAnswersLikeADeadConnection) {
  park(5);
  for (int i = 0; i < 5; i++) EXPECT_EQ(ladder_.ask("peer", i), "eof") << i;
  EXPECT_EQ(ladder_.ask("close 1"), "ok");  // a late close is a close
  EXPECT_EQ(ladder_.ask("close 1"), "EBADF");
  EXPECT_FALSE(ladder_.group()["mitigation"]["off_ladder"]);
  EXPECT_EQ(ladder_.ask("recv 4"), "eof");  // any other use is not expected
  ASSERT_TRUE(is_off_by("recv"));
  EXPECT_TRUE(eventually([&] { return ladder_.audit().back()["event"] == "off_ladder"; }));
  // Readable, writable, hung up: what a connection that is over on both sides tells as well.
  EXPECT_EQ(ladder_.ask("poll 0"), "0x2015");
  EXPECT_EQ(ladder_.ask("poll 4"), "0x2015");
  // ... and nothing more is done to its group.
  ladder_.ask("leak 2");
  ASSERT_TRUE(ladder_.has_refused("off_ladder", 2));
  EXPECT_EQ(ladder_.ask("peer 5"), "open");
}

// Programs that ignore SIGPIPE, as most runtimes do, are watched just as well.
TEST_F(LadderParked, UseIsToldWhereSigpipeIsIgnored) {
  ladder_.ask("ignore-sigpipe");
  park(3);
  EXPECT_EQ(ladder_.ask("send 2"), "EPIPE");
  EXPECT_TRUE(is_off_by("send")) << ladder_.told();
}

// One socket lies under all parked numbers: what is done to one must not bring it to life under the others.
TEST_F(LadderParked, CannotBeConnectedAnew) {
  park(4);
  for (const char* order : {"connect 0 0", "connect 1 1", "connect 2 2", "connect 3 3"})
    EXPECT_EQ(ladder_.ask(order), "EISCONN") << order;
  EXPECT_EQ(ladder_.ask("listen 0"), "EINVAL");
  EXPECT_TRUE(is_off_by("connect"));
  EXPECT_EQ(ladder_.ask("blocking 0 1"), "ok");  // flags are of the socket: there is nothing to wait for
  for (int i = 0; i < 4; i++) {
    EXPECT_EQ(ladder_.ask("poll", i), "0x2015") << i;
    EXPECT_EQ(ladder_.ask("recv", i), "eof") << i;
    EXPECT_EQ(ladder_.ask("close", i), "ok") << i;
  }
}

TEST_F(LadderParked, EpollLevelEdgeOneshotAndNone) {
  ladder_.ask("leak 5");
  EXPECT_EQ(watch("watch", 0, EPOLLIN | EPOLLET), "ok");
  EXPECT_EQ(watch("watch", 1, EPOLLIN | EPOLLONESHOT), "ok");
  EXPECT_EQ(watch("watch", 2, 0U), "ok");
  EXPECT_EQ(watch("watch", 3, EPOLLIN), "ok");
  EXPECT_EQ(ladder_.ask("events"), "3 0x1 0x1 0x1");
  EXPECT_EQ(ladder_.ask("events"), "1 0x1");  // the edge and the shot are used up
  const std::string fingerprint = ladder_.fingerprint_of(5);
  ladder_.mitigate(order("finish", fingerprint));
  // Finish wakes loops, so it leaves alone what would never sleep again.
  ASSERT_TRUE(ladder_.has_acted("finish", 4)) << ladder_.told();
  ASSERT_TRUE(ladder_.has_refused("epoll_spins", 1)) << ladder_.told();
  EXPECT_EQ(ladder_.ask("events"), "2 0x11 0x11");  // the edge, once more, and the level
  EXPECT_EQ(ladder_.ask("events"), "1 0x11");
  ladder_.mitigate(order("park", fingerprint));
  ASSERT_TRUE(ladder_.has_acted("park", 5));
  EXPECT_EQ(ladder_.ask("events"), "0");  // parked: out of every set, no event ever
  // A loop that takes it out before its late close finds what it expects; one that goes on watching does not.
  EXPECT_EQ(ladder_.ask("unwatch 2"), "ok");
  EXPECT_EQ(ladder_.ask("close 0"), "ok");
  EXPECT_FALSE(ladder_.group()["mitigation"]["off_ladder"]) << ladder_.told();
  EXPECT_EQ(watch("rewatch", 3, EPOLLIN), "ENOENT");
  EXPECT_TRUE(is_off_by("epoll_ctl"));
}

TEST_F(LadderParked, EpollSetsThatItIsPutIntoLater) {
  park(4);
  EXPECT_EQ(watch("watch", 0, EPOLLIN | EPOLLET), "ok");
  EXPECT_EQ(watch("watch", 1, EPOLLIN | EPOLLONESHOT), "ok");
  EXPECT_EQ(watch("watch", 2, EPOLLIN), "ok");
  EXPECT_TRUE(is_off_by("epoll_ctl"));
  EXPECT_EQ(ladder_.ask("events"), "3 0x11 0x11 0x11");
  EXPECT_EQ(ladder_.ask("events"), "1 0x11");  // level triggered: until it is closed
  EXPECT_EQ(ladder_.ask("unwatch 2"), "ok");
  EXPECT_EQ(ladder_.ask("events"), "0");
}

// SOCKTRACK_STORM=full: five thousand, and what the kernel counts for the whole machine.
TEST_F(LadderParked, ThousandsGiveTheirSocketsBack) {
  const bool full = is_full();
  const int number = full ? 5000 : 1000;
  ladder_.ask("leak", number);
  const std::string fingerprint = ladder_.fingerprint_of(static_cast<std::uint64_t>(number));
  const std::string local = ladder_.group()["sockets"][0]["local"];
  const int port = std::stoi(local.substr(local.rfind(':') + 1));
  const std::size_t of_process = sockets_of(ladder_.pid());
  const long allocated = allocated_sockets(), slab = slab_objects("TCP");
  EXPECT_EQ(connections_on(port, "08"), static_cast<std::size_t>(number));  // CLOSE_WAIT, as ss lists it
  ladder_.mitigate({"park", "--allow", fingerprint, "--after", "0", "--rate", "100000/s"});
  ASSERT_TRUE(ladder_.has_acted("park", static_cast<std::uint64_t>(number))) << ladder_.told();
  EXPECT_EQ(sockets_of(ladder_.pid()), of_process - static_cast<std::size_t>(number) + 1);  // the dead end
  EXPECT_EQ(connections_on(port, "08"), 0U);
  EXPECT_EQ(ladder_.process()["mitigation"]["audit_lost"], 0);
  if (full) {
    // Others open sockets meanwhile, and the kernel frees slabs late.
    EXPECT_TRUE(eventually([&] { return allocated_sockets() < allocated - number * 9 / 10; }));
    EXPECT_TRUE(eventually([&] { return slab < 0 || slab_objects("TCP") < slab - number / 2; }));
    std::printf("alloc of sockstat %ld -> %ld, objects of the slab TCP %ld -> %ld\n", allocated,
                allocated_sockets(), slab, slab_objects("TCP"));
  }
  EXPECT_EQ(ladder_.ask("close 7"), "ok");
}
