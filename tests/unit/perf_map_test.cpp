// Maps of code made at run time, as runtimes write them, and as nobody should.
#include "watch/perf_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <limits>

namespace socktrack {
namespace {

Frame frame_named(std::string_view name) {
  Frame frame;
  take_name(frame, name);
  return frame;
}

TEST(PerfMap, NamesTheCodeThatCoversTheAddress) {
  const PerfMap map("1000 20 first\n0x1020 10 the second one\n");
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(map.name_at(0xfff), "");
  EXPECT_EQ(map.name_at(0x1000), "first");
  EXPECT_EQ(map.name_at(0x101f), "first");
  EXPECT_EQ(map.name_at(0x1020), "the second one");
  EXPECT_EQ(map.name_at(0x1030), "");
}

TEST(PerfMap, TheLastLineCounts) {
  const PerfMap map("1000 100 old\n1040 20 new\n");
  EXPECT_EQ(map.name_at(0x1030), "old");
  EXPECT_EQ(map.name_at(0x1041), "new");
  EXPECT_EQ(map.name_at(0x1061), "old");
}

TEST(PerfMap, LinesThatAreNoneAreLeftOut) {
  const PerfMap map(
      "\n1000\n1000 10\n1000 10 \nxyz 10 a\n1000 zz b\n-10 10 c\n1000  10 d\n"
      "11111111111111111 10 too large\n2000 10 good\n3000 10 cut");
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(map.name_at(0x1000), "");
  EXPECT_EQ(map.name_at(0x2000), "good");
  EXPECT_EQ(map.name_at(0x3000), "cut");
}

TEST(PerfMap, SizesBeyondTheEndOfMemoryWrapNowhere) {
  const PerfMap map("fffffffffffffff0 ffffffffffffffff all\n");
  EXPECT_EQ(map.name_at(0), "");
  EXPECT_EQ(map.name_at(std::numeric_limits<std::uint64_t>::max()), "all");
}

TEST(PerfMap, JavascriptHasFunctionFileAndLine) {
  Frame frame = frame_named("JS:*handle /srv/my shop.js:12:7");
  EXPECT_EQ(frame.function, "handle");
  EXPECT_EQ(frame.file, "/srv/my shop.js");
  EXPECT_EQ(frame.line, 12);
  frame = frame_named("JS:~get total file:///srv/shop.mjs:3:1");
  EXPECT_EQ(frame.function, "get total");
  EXPECT_EQ(frame.file, "/srv/shop.mjs");
  frame = frame_named("LazyCompile:~ /srv/shop.js:1:1");
  EXPECT_EQ(frame.function, "(anonymous)");
  frame = frame_named("JS:^connect node:net:100:5");
  EXPECT_EQ(frame.function, "connect");
  EXPECT_EQ(frame.file, "node:net");
  EXPECT_EQ(frame.line, 100);
}

TEST(PerfMap, OtherNamesAreFunctions) {
  EXPECT_EQ(frame_named("JS:odd").function, "JS:odd");
  EXPECT_EQ(frame_named("JS:odd :1:2").line, 1);
  EXPECT_EQ(frame_named("Builtin:ArrayMap").function, "Builtin:ArrayMap");
  EXPECT_EQ(frame_named("py::take:/srv/shop.py").function, "take");
  EXPECT_EQ(frame_named("py::take:/srv/shop.py").file, "/srv/shop.py");
  EXPECT_EQ(frame_named("py::take").function, "take");
}

TEST(PerfMap, WhatCPythonRunsALineByIsKnown) {
  Frame line;
  line.language = "python";
  line.function = "take";
  line.file = "/srv/shop.py";
  line.line = 7;
  EXPECT_TRUE(is_trampoline(frame_named("py::take:/srv/shop.py"), line));
  EXPECT_FALSE(is_trampoline(frame_named("py::give:/srv/shop.py"), line));
  EXPECT_FALSE(is_trampoline(frame_named("py::take:/srv/other.py"), line));
  EXPECT_FALSE(is_trampoline(frame_named("take"), line));
  line.language = "native";
  EXPECT_FALSE(is_trampoline(frame_named("py::take:/srv/shop.py"), line));
}

// The file of this very process, which has none of its own.
class MapOfThisProcess : public testing::Test {
 protected:
  void SetUp() override {
    header_.pid = static_cast<std::uint32_t>(getpid());
    header_.uid = getuid();
    std::ofstream(path_) << "1000 10 mine\n";
    struct stat facts {};
    ASSERT_EQ(stat(path_.c_str(), &facts), 0);
    header_.created_realtime_ns = static_cast<std::uint64_t>(facts.st_mtim.tv_sec) * 1'000'000'000;
  }
  void TearDown() override { unlink(path_.c_str()); }
  std::string name() const { return std::string(PerfMap::of_process(header_).name_at(0x1000)); }

  const std::string path_ = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  Header header_{};
};

TEST_F(MapOfThisProcess, IsRead) { EXPECT_EQ(name(), "mine"); }

TEST_F(MapOfThisProcess, OfAnotherUserIsNot) {
  header_.uid++;
  EXPECT_EQ(name(), "");
}

TEST_F(MapOfThisProcess, OfALongGoneProcessIsNot) {
  header_.created_realtime_ns += 3600ULL * 1'000'000'000;
  EXPECT_EQ(name(), "");
}

TEST_F(MapOfThisProcess, ThroughALinkIsNot) {
  const std::string other = path_ + ".other";
  ASSERT_EQ(rename(path_.c_str(), other.c_str()), 0);
  ASSERT_EQ(symlink(other.c_str(), path_.c_str()), 0);
  EXPECT_EQ(name(), "");
  unlink(other.c_str());
}

TEST_F(MapOfThisProcess, ThatIsNoFileIsNot) {
  unlink(path_.c_str());
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(name(), "");
}

}  // namespace
}  // namespace socktrack
