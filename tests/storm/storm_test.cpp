// Storms: nothing hangs, nothing that was recorded is lost, nobody is accused of a socket that was closed.
// Short here; SOCKTRACK_STORM=full is the long form (60 s of 64 threads, 2 000 forks, 2 000 vforks, ...).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kLeaks = 7;

bool long_form() {
  const char* asked = std::getenv("SOCKTRACK_STORM");
  return asked != nullptr && asked == std::string("full");
}

std::uint64_t count_in(const Json& groups) {
  std::uint64_t count = 0;
  for (const Json& group : groups) count += group.at("count").get<std::uint64_t>();
  return count;
}

// 7 leaks at one place, and apart from them and the listener everything that was opened is closed.
void expect_exact(const Json& process) {
  EXPECT_EQ(opened(process) - process.at("sockets").at("closed").get<std::uint64_t>(), kLeaks + 1)
      << process.at("sockets").dump();
  EXPECT_EQ(count_in(process.at("groups")) + count_in(process.at("open_at_exit")), kLeaks) << process.dump(1);
  for (const char* list : {"groups", "open_at_exit"}) {
    for (const Json& group : process.at(list))
      EXPECT_THAT(group.at("open_stack"), Calls("serve_one")) << process.dump(1);
  }
}

struct Storm {
  const char* mode;
  const char* grace;
  long count;
  long many;  // in the long form, in each of so many runs
  int times;
};
void PrintTo(const Storm& storm, std::ostream* out) { *out << storm.mode; }

// Numbers above the table: each connection there was seen to end, could not be kept, and that is said.
Json the_one_beyond(const Tracked& tracked) {
  EXPECT_THAT(tracked.outcome.err, HasSubstr("their descriptor is above the table"));
  Json beyond;
  for (const Json& process : processes_of(tracked.report, "/storm")) {
    const Json& spots = process.at("blind_spots");
    const auto full = std::find_if(spots.begin(), spots.end(),
                                   [](const Json& each) { return each.at("name") == "table_full"; });
    if (full == spots.end()) {
      EXPECT_TRUE(process.at("groups").empty()) << "before the exec: " << process.dump(1);
      continue;
    }
    EXPECT_GE(full->at("count").get<std::uint64_t>(), 300U);
    beyond = process;
  }
  if (beyond.is_null()) throw std::runtime_error("table_full is not said: " + tracked.report.dump(1));
  return beyond;
}

class Storms : public testing::TestWithParam<Storm> {};

void ride_out(const Storm& storm) {
  const std::string mode = storm.mode;
  const Tracked tracked =
      track({"--grace", storm.grace},
            {program("storm"), mode, std::to_string(long_form() ? storm.many : storm.count)});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_THAT(tracked.outcome.out, HasSubstr("done\n"));
  expect_exact(mode == "full" ? the_one_beyond(tracked)
                              : with_most_opened(processes_of(tracked.report, "/storm")));
}

TEST_P(Storms, LoseNothingAndAccuseNobodyElse) {
  const Storm& storm = GetParam();
  if (storm.mode == std::string("space") && !sanitizer().empty())
    GTEST_SKIP() << "the sanitizers' runtimes reserve more than any limit";
  for (int i = 0; i < (long_form() ? storm.times : 1); i++) ride_out(storm);
}

// Children judge their copies at their own end if the young count; a grace of an hour leaves them out of it.
INSTANTIATE_TEST_SUITE_P(Modes, Storms,
                         testing::Values(Storm{"threads", "0", 150, 10'000, 1},
                                         Storm{"forks", "1h", 60, 400, 5}, Storm{"vforks", "0", 400, 2000, 1},
                                         Storm{"few", "0", 500, 20'000, 1},
                                         Storm{"space", "0", 2000, 100'000, 1},
                                         Storm{"full", "0", 10, 300, 1}),
                         [](const auto& each) { return std::string(each.param.mode); });

// A recording that is being written when its writer dies is read: the leaks of before are in it.
TEST(Storm, KilledAtAnyMomentLeavesAReadableRecording) {
  std::mt19937 random{20261124};
  for (int i = 0; i < (long_form() ? 500 : 20); i++) {
    const TempDir directory;
    {
      Process storm({program("storm"), "endless", "0"},
                    preload_environment(directory, {{"SOCKTRACK_LOG", "off"}}));
      ASSERT_EQ(storm.line(), "ready");
      usleep(static_cast<useconds_t>(random() % 20000));  // any moment will do; none is awaited
      storm.send_signal(SIGKILL);
      ASSERT_EQ(storm.wait().status, 128 + SIGKILL);
    }
    const Json process = process_of(report_of(directory / "recordings"), "/storm");
    EXPECT_GE(opened(process), kLeaks + 1);
    EXPECT_TRUE(process.at("groups").empty()) << process.dump(1);  // nothing was older than the grace
    // One a thread may be at its end just now, under two numbers.
    EXPECT_LE(count_in(process.at("open_at_exit")), kLeaks + 2 * 64);
  }
}

// A file system of this size at a place of our own, if we may mount one.
class SmallDisk {
 public:
  SmallDisk(const std::string& place, const char* size) : place_(place) {
    std::filesystem::create_directory(place);
    mounted_ = mount("tmpfs", place.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(place_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  void fill() const {
    std::ofstream rest(place_ + "/rest", std::ios::binary);
    const std::string page(4096, 'x');
    while (rest.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }

 private:
  std::string place_;
  bool mounted_ = false;
};

// Too small from the start, or full when the work begins.
class FullDisk : public testing::TestWithParam<const char*> {};

TEST_P(FullDisk, IsNotTheProgramsTrouble) {
  const bool later = GetParam() == std::string("later");
  const TempDir directory;
  const SmallDisk disk(directory / "small", later ? "size=4m" : "size=8k");
  if (!disk.mounted()) GTEST_SKIP() << "a small file system takes the right to mount one";
  Process storm({program("storm"), "filled", long_form() ? "2000" : "20"},
                preload_environment(directory, {{"SOCKTRACK_OUTPUT", directory / "small/recordings"},
                                                {"SOCKTRACK_GRACE", "0"}}));
  ASSERT_EQ(storm.line(), "ready");
  if (later) disk.fill();
  storm.say("go\n");
  const Outcome outcome = storm.wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("done\n"));
  if (!later) {
    EXPECT_THAT(outcome.err, HasSubstr("it is kept in memory"));
    return;
  }
  // What was recorded before is still there.
  const Json process = process_of(report_of(directory / "small/recordings"), "/storm");
  EXPECT_GE(count_in(process.at("groups")), kLeaks) << process.dump(1);
}

INSTANTIATE_TEST_SUITE_P(Times, FullDisk, testing::Values("at_once", "later"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace scenario
