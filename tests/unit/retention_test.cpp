// What is removed, and above all what is not.
#include "cli/retention.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "recording_fixture.h"

namespace socktrack {
namespace {

namespace fs = std::filesystem;
using test::RecordingFixture;
using test::TemporaryDirectory;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class Retention : public testing::Test {
 protected:
  // Ended `age_s` ago.
  std::string ended(const std::string& name, long age_s) {
    RecordingFixture fixture;
    fixture.header().ended_by = static_cast<std::uint32_t>(EndedBy::exit);
    return save(fixture, name, age_s);
  }
  std::string save(const RecordingFixture& fixture, const std::string& name, long age_s) {
    const std::string path = directory_.file(name);
    fixture.save(path);
    make_old(path, age_s);
    return path;
  }
  static void make_old(const std::string& path, long age_s) {
    const timespec then{time(nullptr) - age_s, 0};
    const timespec times[2] = {then, then};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }
  Removal clean(std::uint64_t count, std::uint64_t bytes = ~std::uint64_t{0}, Remove remove = Remove::yes) {
    return clean_recordings({directory_.path()}, {count, bytes}, remove);
  }

  TemporaryDirectory directory_;
};

TEST_F(Retention, TheOldestGoByCount) {
  const std::string a = ended("a.socktrack", 30), b = ended("b.socktrack", 10), c = ended("c.socktrack", 20);
  const Removal removal = clean(2);
  EXPECT_THAT(removal.removed, ElementsAre(a));
  EXPECT_EQ(removal.kept, 2U);
  EXPECT_GT(removal.bytes, 0U);
  EXPECT_FALSE(fs::exists(a));
  EXPECT_TRUE(fs::exists(b) && fs::exists(c));
  EXPECT_THAT(clean(0).removed, SizeIs(2));
  EXPECT_THAT(clean(0).removed, IsEmpty());
}

TEST_F(Retention, TheOldestGoBySize) {
  const std::string a = ended("a.socktrack", 30), b = ended("b.socktrack", 10);
  struct stat facts {};
  ASSERT_EQ(stat(b.c_str(), &facts), 0);
  const auto one = static_cast<std::uint64_t>(facts.st_blocks) * 512;
  EXPECT_THAT(clean(100, 2 * one).removed, IsEmpty());
  EXPECT_THAT(clean(100, one).removed, ElementsAre(a));
  EXPECT_TRUE(fs::exists(b));
}

TEST_F(Retention, ADryRunRemovesNothing) {
  const std::string a = ended("a.socktrack", 30);
  EXPECT_THAT(clean(0, 0, Remove::no).removed, ElementsAre(a));
  EXPECT_TRUE(fs::exists(a));
}

TEST_F(Retention, WhatMayStillBeWrittenStays) {
  RecordingFixture living;
  living.header().pid = static_cast<std::uint32_t>(getpid());
  living.header().created_boottime_ns = ~std::uint64_t{0} / 2;
  save(living, "living.socktrack", 100000);
  // Of a process that nobody sees from here: it was looked at a moment ago.
  RecordingFixture elsewhere;
  elsewhere.header().pid = 2147483646;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  elsewhere.header().swept_monotonic_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000;
  save(elsewhere, "elsewhere.socktrack", 100000);
  // Being created.
  std::ofstream(directory_.file("blank.socktrack")) << std::string(100, '\0');
  const Removal removal = clean(0);
  EXPECT_THAT(removal.removed, IsEmpty());
  EXPECT_EQ(removal.in_use, 3U);
}

TEST_F(Retention, TheKilledAndTheForgottenGo) {
  RecordingFixture killed;
  killed.header().pid = 2147483646;
  killed.header().created_monotonic_ns = 1;
  killed.header().swept_monotonic_ns = 1;
  const std::string dead = save(killed, "killed.socktrack", 10);
  std::ofstream(directory_.file("blank.socktrack")) << std::string(100, '\0');
  make_old(directory_.file("blank.socktrack"), 100000);
  RecordingFixture newer;
  newer.header().layout_version = kLayoutVersion + 1;
  const std::string foreign = save(newer, "newer.socktrack", 100000);
  const std::string young = save(newer, "young.socktrack", 1);
  EXPECT_THAT(clean(0).removed, UnorderedElementsAre(dead, directory_.file("blank.socktrack"), foreign));
  EXPECT_TRUE(fs::exists(young)) << "of another version: its program may run";
}

TEST_F(Retention, NothingElseIsTouched) {
  std::ofstream(directory_.file("notes.txt")) << "mine";
  std::ofstream(directory_.file("diary.socktrack")) << "not a recording at all";
  make_old(directory_.file("diary.socktrack"), 100000);
  fs::create_directory(directory_.file("elsewhere"));
  const TemporaryDirectory other;
  RecordingFixture fixture;
  fixture.header().ended_by = static_cast<std::uint32_t>(EndedBy::exit);
  fixture.save(other.file("theirs.socktrack"));
  ASSERT_EQ(symlink(other.file("theirs.socktrack").c_str(), directory_.file("link.socktrack").c_str()), 0);
  ASSERT_EQ(symlink(other.path().c_str(), directory_.file("run.link").c_str()), 0);
  EXPECT_THAT(clean(0).removed, IsEmpty());
  EXPECT_TRUE(fs::exists(other.file("theirs.socktrack")));
  EXPECT_TRUE(fs::exists(directory_.file("link.socktrack")));
  EXPECT_TRUE(fs::exists(directory_.file("diary.socktrack")));
}

TEST_F(Retention, DirectoriesOthersMayWriteToAreLeftOut) {
  ended("a.socktrack", 30);
  fs::permissions(directory_.path(), fs::perms::all);
  EXPECT_THAT(clean(0).removed, IsEmpty());
  EXPECT_THAT(clean_recordings({"/nowhere/at/all"}, {0, 0}, Remove::yes).failed, IsEmpty());
}

TEST_F(Retention, DirectoriesOfRunsGoWithTheirLastRecording) {
  const std::string run = directory_.file("run.abc");
  ASSERT_EQ(mkdir(run.c_str(), 0700), 0);
  ended("run.abc/a.socktrack", 30);
  ASSERT_EQ(mkdir(directory_.file("run.new").c_str(), 0700), 0);
  EXPECT_THAT(clean(0).removed, ElementsAre(run + "/a.socktrack", run));
  EXPECT_TRUE(fs::exists(directory_.file("run.new"))) << "its program has not opened a socket yet";
}

TEST_F(Retention, ARunCleansOnlyBeyondTheLimits) {
  const std::string a = ended("a.socktrack", 30), b = ended("b.socktrack", 10);
  keep_within_limits({directory_.path()}, {2, ~std::uint64_t{0}});
  EXPECT_TRUE(fs::exists(a));
  keep_within_limits({directory_.path()}, {1, ~std::uint64_t{0}});
  EXPECT_FALSE(fs::exists(a));
  EXPECT_TRUE(fs::exists(b));
}

TEST_F(Retention, Sizes) {
  std::uint64_t bytes = 0;
  EXPECT_TRUE(parse_size("0", bytes));
  EXPECT_EQ(bytes, 0U);
  EXPECT_TRUE(parse_size("3M", bytes));
  EXPECT_EQ(bytes, 3U << 20U);
  EXPECT_TRUE(parse_size("2G", bytes));
  EXPECT_EQ(bytes, std::uint64_t{2} << 30U);
  for (const char* bad : {"", "M", "-1", "1X", "1KB", "99999999999G"})
    EXPECT_FALSE(parse_size(bad, bytes)) << bad;
}

}  // namespace
}  // namespace socktrack
