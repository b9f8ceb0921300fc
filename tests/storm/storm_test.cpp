// Storms: nothing hangs, nothing that was recorded is lost, nobody is accused of a socket that was closed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kLeaks = 7;

std::string scaled(long count) {
  const char* scale = std::getenv("SOCKTRACK_STORM");
  return std::to_string(count * (scale == nullptr ? 1 : std::max(1, std::atoi(scale))));
}

// 7 leaks at one place, and apart from them and the listener everything that was opened is closed.
void expect_exact(const Tracked& tracked) {
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_THAT(tracked.outcome.out, HasSubstr("done\n"));
  const Json process = with_most_opened(processes_of(tracked.report, "/storm"));
  EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 7 recv"));
  EXPECT_EQ(opened(process) - process.at("sockets").at("closed").get<std::uint64_t>(), kLeaks + 1)
      << process.at("sockets").dump();
}

struct Storm {
  const char* mode;
  long count;
};

void PrintTo(const Storm& storm, std::ostream* out) { *out << storm.mode << ' ' << storm.count; }

class Storms : public testing::TestWithParam<Storm> {};

TEST_P(Storms, LoseNothingAndAccuseNobodyElse) {
  const Storm& storm = GetParam();
  expect_exact(track({"--grace", "0"}, {program("storm"), storm.mode, scaled(storm.count)}));
}

INSTANTIATE_TEST_SUITE_P(Modes, Storms,
                         testing::Values(Storm{"threads", 150}, Storm{"forks", 40}, Storm{"vforks", 400},
                                         Storm{"few", 500}, Storm{"space", 2000}),
                         [](const auto& each) { return std::string(each.param.mode); });

// A recording that is being written when its writer dies is read: the leaks of before are in it.
TEST(Storm, KilledAtAnyMomentLeavesAReadableRecording) {
  std::mt19937 random{20261124};
  for (int i = 0; i < 50; i++) {
    const TempDir directory;
    {
      Process storm({program("storm"), "endless", "0"},
                    preload_environment(directory, {{"SOCKTRACK_LOG", "off"}}));
      ASSERT_EQ(storm.line(), "ready");
      usleep(static_cast<useconds_t>(random() % 20000));  // any moment will do; none is awaited
      storm.send_signal(SIGKILL);
      ASSERT_EQ(storm.wait().status, 128 + SIGKILL);
    }
    const Json report = report_of(directory / "recordings");
    const Json process = process_of(report, "/storm");
    EXPECT_GE(opened(process), kLeaks + 1);
    EXPECT_TRUE(process.at("groups").empty()) << process.dump(1);  // nothing was older than the grace
    std::uint64_t dead = 0;
    for (const Json& group : process.at("open_at_exit")) dead += group.at("count").get<std::uint64_t>();
    EXPECT_LE(dead, kLeaks + 64) << "each thread has at most one socket that is at its end";
  }
}

// The directory of recordings is full from the start, or fills up while the program works.
TEST(Storm, FullDiskIsNotTheProgramsTrouble) {
  if (geteuid() != 0) GTEST_SKIP() << "a small file system takes root to mount";
  for (const char* size : {"size=8k", "size=1200k"}) {
    const TempDir directory;
    const std::string place = directory / "small";
    std::filesystem::create_directory(place);
    if (mount("tmpfs", place.c_str(), "tmpfs", 0, size) != 0) GTEST_SKIP() << "mount is not allowed here";
    const Outcome outcome = run({program("storm"), "threads", scaled(20)},
                                preload_environment(directory, {{"SOCKTRACK_OUTPUT", place + "/recordings"},
                                                                {"SOCKTRACK_GRACE", "0"}}));
    umount2(place.c_str(), MNT_DETACH);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("done\n"));
  }
}

}  // namespace
}  // namespace scenario
