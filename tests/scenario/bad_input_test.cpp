// What people get wrong: a clear message that names it, the documented exit status, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr int kUsage = 2;
constexpr int kWillNotWork = 3;
constexpr int kNotFound = 127;

Outcome socktrack(const Arguments& arguments, const Environment& added = {}) {
  Arguments all{command()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  Environment environment = base_environment();
  for (const auto& [name, value] : added) environment[name] = value;
  return run(all, environment);
}

// The program must not have been started, and the message must name what is wrong.
void expect_refusal(const Outcome& outcome, int status, const std::string& named) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr(named));
}

TEST(BadInput, UnknownOption) {
  expect_refusal(socktrack({"run", "--no-such-option", "--", "/bin/echo", "x"}), kUsage, "--no-such-option");
  expect_refusal(socktrack({"--no-such-option"}), kUsage, "--no-such-option");
  expect_refusal(socktrack({"no-such-command"}), kUsage, "no-such-command");
}

TEST(BadInput, NothingToRun) {
  EXPECT_EQ(socktrack({"run"}).status, kUsage);
  EXPECT_EQ(socktrack({"run", "--"}).status, kUsage);
}

TEST(BadInput, BadValues) {
  expect_refusal(socktrack({"run", "--grace", "banana", "--", "/bin/echo", "x"}), kUsage, "banana");
  expect_refusal(socktrack({"run", "--grace", "-1s", "--", "/bin/echo", "x"}), kUsage, "grace");
  expect_refusal(socktrack({"run", "--interval", "soon", "--", "/bin/echo", "x"}), kUsage, "soon");
  expect_refusal(socktrack({"run", "--fail-on-leak=300", "--", "/bin/echo", "x"}), kUsage, "300");
  expect_refusal(socktrack({"run", "--mitigate", "all", "--", "/bin/echo", "x"}), kUsage, "all");
}

TEST(BadInput, BadValuesOfTheEnvironment) {
  const Outcome outcome = socktrack({"run", "--", "/bin/echo", "x"}, {{"SOCKTRACK_GRACE", "banana"}});
  expect_refusal(outcome, kUsage, "SOCKTRACK_GRACE");
}

TEST(BadInput, MissingProgram) {
  expect_refusal(socktrack({"run", "--", "/nonexistent/server"}), kNotFound, "/nonexistent/server");
  expect_refusal(socktrack({"run", "--", "no-such-program-anywhere"}), kNotFound, "no-such-program-anywhere");
}

TEST(BadInput, StaticProgramIsRefusedWithTheReason) {
  expect_refusal(socktrack({"run", "--", program("static_hello")}), kWillNotWork, "static");
  const Outcome check = socktrack({"check", program("static_hello")});
  EXPECT_EQ(check.status, kWillNotWork);
  EXPECT_THAT(check.out + check.err, HasSubstr("static"));
}

TEST(BadInput, CheckOfAGoodProgram) {
  const Outcome check = socktrack({"check", program("c_eof")});
  EXPECT_EQ(check.status, 0) << check.out << check.err;
}

TEST(BadInput, UnwritableOutput) {
  const TempDir directory;
  std::ofstream(directory / "file") << "in the way";
  expect_refusal(socktrack({"run", "--output", directory / "file", "--", "/bin/echo", "x"}), kUsage,
                 directory / "file");
  expect_refusal(socktrack({"run", "--output", directory / "file/below", "--", "/bin/echo", "x"}), kUsage,
                 directory / "file/below");
}

TEST(BadInput, SymlinkedOutput) {
  const TempDir directory;
  fs::create_directory(directory / "real");
  fs::create_directory_symlink(directory / "real", directory / "link");
  expect_refusal(socktrack({"run", "--output", directory / "link", "--", "/bin/echo", "x"}), kUsage,
                 directory / "link");
  EXPECT_TRUE(fs::is_empty(directory / "real"));
}

TEST(BadInput, OutputThatOthersCanWriteTo) {
  const TempDir directory;
  fs::create_directory(directory / "open");
  fs::permissions(directory / "open", fs::perms::all);
  expect_refusal(socktrack({"run", "--output", directory / "open", "--", "/bin/echo", "x"}), kUsage,
                 directory / "open");
}

TEST(BadInput, JsonThatCannotBeWritten) {
  const TempDir directory;
  const Outcome outcome = socktrack(
      {"run", "--json", "/dev/null/report.json", "--output", directory / "r", "--", "/bin/echo", "x"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_LT(outcome.status, 128) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("/dev/null/report.json"));
}

// Runs the command with a file system of `size` at `mount_point`, which nobody else sees.
Outcome with_small_tmpfs(const std::string& mount_point, const std::string& size, const Arguments& arguments,
                         const Environment& environment) {
  const std::string mount =
      "mount -t tmpfs -o size=" + size + ",mode=0700 tmpfs \"$1\" && shift && exec \"$@\"";
  Arguments all{find_program("unshare"), "--mount", "/bin/sh", "-c", mount, "sh", mount_point};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run(all, environment);
}

bool can_mount() {
  return geteuid() == 0 && !find_program("unshare").empty() &&
         run({find_program("unshare"), "--mount", "/bin/true"}).status == 0;
}

class FullFileSystem : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!can_mount()) GTEST_SKIP() << "mounting a small file system needs root and unshare";
    fs::create_directory(small_);
  }
  TempDir directory_;
  std::string small_ = directory_ / "small";
};

TEST_P(FullFileSystem, NeverChangesAProgramWithTheLibraryPreloaded) {
  Environment environment =
      preload_environment(directory_, {{"SOCKTRACK_OUTPUT", small_}, {"SOCKTRACK_GRACE", "0"}});
  // Only the program itself is to be tracked, not the shell that mounts.
  const std::string preload = "LD_PRELOAD=" + environment.at("LD_PRELOAD");
  environment.erase("LD_PRELOAD");
  const Outcome outcome =
      with_small_tmpfs(small_, GetParam(), {"env", preload, program("c_eof")}, environment);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "done\n");
  EXPECT_NE(outcome.err, "") << "it must report, or say that it could not look";
}

TEST_P(FullFileSystem, NeverChangesAProgramUnderTheCommand) {
  const Arguments arguments{command(), "run", "--grace", "0", "--output", small_, "--", program("c_eof")};
  const Outcome outcome = with_small_tmpfs(small_, GetParam(), arguments, base_environment());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "done\n");
  EXPECT_NE(outcome.err, "") << "it must report, or say that it could not look";
}

INSTANTIATE_TEST_SUITE_P(BadInput, FullFileSystem, testing::Values("4k", "16k", "64k", "256k"),
                         [](const auto& each) { return std::string("of_") + each.param; });

}  // namespace
}  // namespace scenario
