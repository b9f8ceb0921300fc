// Who else is in the process, or started by it: other preloads, sanitizers, copies of our own libraries,
// programs for another libc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string other_library(const std::string& name) {
  if (name == "keepalive") return program("keepalive.so");
  for (const char* place : {"/usr/lib/x86_64-linux-gnu/", "/usr/lib/aarch64-linux-gnu/", "/usr/lib64/"}) {
    if (std::filesystem::exists(place + name)) return place + name;
  }
  return "";
}

class OtherPreload : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers must be first";
    other_ = other_library(GetParam());
    if (other_.empty()) GTEST_SKIP() << GetParam() << " is not installed";
  }
  std::string other_;
};

TEST_P(OtherPreload, WorksBesideOursInBothOrders) {
  for (const std::string& order : {other_ + ":" + library(), library() + ":" + other_}) {
    const TempDir directory;
    const Outcome outcome =
        run({program("c_eof")},
            preload_environment(directory, {{"LD_PRELOAD", order}, {"SOCKTRACK_GRACE", "0"}}));
    EXPECT_EQ(outcome.status, 0) << order << outcome.err;
    EXPECT_EQ(outcome.out, "done\n");
    const Json process = process_of(report_of(directory / "recordings"), "/c_eof");
    EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 23 recv")) << order;
    EXPECT_THAT(process.at("groups")[0].at("open_stack"), Calls("accept_client")) << order;
  }
}

// The command puts ours in front of what was there.
TEST_P(OtherPreload, StaysUnderTheCommand) {
  const Tracked tracked = track({"--grace", "0"}, {program("c_eof")}, {{"LD_PRELOAD", other_}});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(leaked(process_of(tracked.report, "/c_eof")), 23U);
}

TEST_P(OtherPreload, NumbersStayThoseOfTheProgram) {
  const Outcome bare = run({program("fd_trace"), "20"}, {{"LD_PRELOAD", other_}});
  for (const std::string& order : {other_ + ":" + library(), library() + ":" + other_}) {
    const TempDir directory;
    const Outcome outcome =
        run({program("fd_trace"), "20"},
            preload_environment(directory, {{"LD_PRELOAD", order}, {"SOCKTRACK_GRACE", "0"}}));
    EXPECT_EQ(outcome.out, bare.out) << order;
    EXPECT_EQ(outcome.status, bare.status) << order;
  }
}

// What is behind us is found by ourselves, not by dlsym: it must be what dlsym would have found.
TEST(Company, PreloadBehindOursIsStillCalled) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers must be first";
  const std::string script = "from socket import *; print(socket().getsockopt(SOL_SOCKET, SO_KEEPALIVE))";
  const std::string keepalive = other_library("keepalive");
  EXPECT_EQ(run({"/usr/bin/python3", "-c", script}).out, "0\n");
  for (const std::string& order : {keepalive + ":" + library(), library() + ":" + keepalive}) {
    const TempDir directory;
    const Outcome outcome =
        run({"/usr/bin/python3", "-c", script}, preload_environment(directory, {{"LD_PRELOAD", order}}));
    EXPECT_EQ(outcome.out, "1\n") << order << outcome.err;
  }
}

INSTANTIATE_TEST_SUITE_P(Chain, OtherPreload,
                         testing::Values("libjemalloc.so.2", "libeatmydata.so", "keepalive"),
                         [](const auto& each) {
                           const std::string name = each.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(Company, HostWithAddressSanitizerIsTracked) {
  if (!sanitizer().empty()) GTEST_SKIP() << "one runtime of a sanitizer in a process";
  const Tracked tracked = track({"--grace", "0"}, {program("asan_host")});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  EXPECT_EQ(leaked(process_of(tracked.report, "/asan_host")), 23U);
}

TEST(Company, HostWithOurLibrariesKeepsItsOwn) {
  if (!sanitizer().empty()) GTEST_SKIP() << "TSan and libunwind do not go together";
  const Outcome bare = run({program("own_libraries")});
  const Tracked tracked = track({"--grace", "0"}, {program("own_libraries")});
  EXPECT_EQ(tracked.outcome.out, bare.out);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  const Json process = process_of(tracked.report, "/own_libraries");
  EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 5 recv"));

  const TempDir directory;
  const Outcome alone =
      run({program("own_libraries")}, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
  EXPECT_EQ(alone.out, bare.out);
  EXPECT_THAT(alone.err, HasSubstr("5 leaked sockets"));
}

// Programs that the library cannot be in.
class Stranger : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!sanitizer().empty()) GTEST_SKIP() << "a library with a runtime is not spelled for glibc alone";
    stranger_ = program(GetParam());
    if (!std::filesystem::exists(stranger_)) GTEST_SKIP() << "musl-gcc is not installed";
  }
  std::string stranger_;
};

TEST_P(Stranger, IsRefusedByName) {
  const Outcome outcome = run({command(), "run", "--", stranger_});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr(GetParam() == std::string("musl_hello") ? "musl" : "static"));
}

// Whether its parent forks and executes or spawns it.
TEST_P(Stranger, RunsAsAChild) {
  const std::string script =
      "import subprocess,os\n"
      "print(subprocess.run(['" +
      stranger_ +
      "']).returncode, flush=True)\n"
      "print(os.waitpid(os.posix_spawn('" +
      stranger_ + "', ['x'], os.environ), 0)[1])\n";
  for (const Arguments& parent :
       {Arguments{"/bin/sh", "-c", stranger_ + "; echo $?"}, Arguments{"/usr/bin/python3", "-c", script}}) {
    if (!std::filesystem::exists(parent[0])) continue;
    const Outcome bare = run(parent);
    const TempDir directory;
    Arguments all{command(), "run", "--quiet", "--output", directory / "recordings", "--"};
    all.insert(all.end(), parent.begin(), parent.end());
    const Outcome outcome = run(all);
    EXPECT_EQ(outcome.out, bare.out);
    EXPECT_EQ(outcome.err, bare.err);
    EXPECT_EQ(outcome.status, bare.status);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Stranger, testing::Values("musl_hello", "static_hello"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace scenario
