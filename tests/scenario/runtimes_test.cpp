// Leaks in Python programs, named in Python.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "harness/runtimes.h"
#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kPython = "/usr/bin/python3";

Json python_process(const Arguments& python, const Arguments& arguments) {
  Arguments all = python;
  all.push_back(script("py_eof.py"));
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Tracked tracked = track({"--grace", "0"}, all);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  EXPECT_EQ(tracked.report.at("processes").size(), 1U);
  return tracked.report.at("processes").front();
}

void expect_python_lines(const Json& process) {
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 7 recv"));
  EXPECT_EQ(leaked(process), 7U);
  const Json& group = process.at("groups").front();
  EXPECT_THAT(lines(group.at("open_stack"), "python"),
              ElementsAre(testing::MatchesRegex("(socket\\.)?accept socket\\.py:[0-9]+"), "main py_eof.py:32",
                          "<module> py_eof.py:39"));
  EXPECT_THAT(lines(group.at("sighting_stack"), "python"),
              ElementsAre("read_request py_eof.py:14", "handle py_eof.py:18", "main py_eof.py:33",
                          "<module> py_eof.py:39"));
  EXPECT_THAT(lines(group.at("sibling_close_stack"), "python"), testing::Contains("handle py_eof.py:21"));
  EXPECT_THAT(group.at("summary").get<std::string>(), testing::HasSubstr("at read_request (py_eof.py:14)"));
  EXPECT_THAT(group.at("summary").get<std::string>(), testing::HasSubstr("opened at main (py_eof.py:32)"));
}

TEST(Runtimes, PythonServerThatKeepsTheSocket) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  const Json process = python_process({kPython}, {});
  expect_python_lines(process);
  EXPECT_THAT(process.at("groups").front().at("sighting_stack"), PassesThrough("python3"))
      << "C frames first";
  const Json fixed = python_process({kPython}, {"fixed"});
  EXPECT_THAT(fixed.at("groups"), IsEmpty());
  EXPECT_EQ(opened(fixed), opened(process));
}

void expect_leaks_that_only_the_end_closes(const std::string& python) {
  const Tracked tracked = track({"--grace", "500ms"}, {python, script("py_atexit.py")});
  EXPECT_EQ(tracked.outcome.out, "done\n");
  const Json& process = tracked.report.at("processes").front();
  EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 5 recv"));
}

TEST(Runtimes, WhatOnlyTheEndOfAPythonProgramClosesIsALeak) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  expect_leaks_that_only_the_end_closes(kPython);
}

// CPython then runs each function by a piece of code of its own, and names it: no frame of the program. What
// `perf_jit` writes is for `perf inject`, and is not read.
void expect_python_lines_with_a_map(const Python& python) {
  const Json process = python_process({python.path, "-X", "perf"}, {});
  expect_python_lines(process);
  std::filesystem::remove("/tmp/perf-" + std::to_string(process.at("pid").get<int>()) + ".map");
  if (python.minor < 13) return;
  const Json dumping = python_process({python.path, "-X", "perf_jit"}, {});
  expect_python_lines(dumping);
  std::filesystem::remove("/tmp/jit-" + std::to_string(dumping.at("pid").get<int>()) + ".dump");
}

// The interpreters keep their frames in other places in each version: all that pyenv has here.
TEST(Runtimes, EveryVersionOfPythonNamesItsLines) {
  const std::vector<Python> pythons = pyenv_pythons();
  if (pythons.empty()) GTEST_SKIP() << "pyenv has none here";
  for (const Python& python : pythons) {
    SCOPED_TRACE(python.path);
    expect_python_lines(python_process({python.path}, {}));
    expect_leaks_that_only_the_end_closes(python.path);
    if (python.minor >= 12) expect_python_lines_with_a_map(python);
  }
}

TEST(Runtimes, WhatPythonOnlyClosesBecauseItIsForgottenIsTold) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  const Tracked tracked = track({"--grace", "500ms"}, {kPython, script("py_dropped.py")});
  EXPECT_EQ(tracked.outcome.out, "done\n");
  const Json& process = tracked.report.at("processes").front();
  EXPECT_THAT(process.at("groups"), IsEmpty());
  ASSERT_EQ(process.at("collected").size(), 1U) << process.dump(1);
  EXPECT_EQ(process.at("collected").front().at("count"), 5);
  EXPECT_GE(process.at("collected").front().at("after_s"), 1.0);
  EXPECT_THAT(lines(process.at("collected").front().at("open_stack"), "python"),
              testing::Contains("read_to_end py_dropped.py:9"));
  EXPECT_THAT(tracked.outcome.err, testing::HasSubstr("5 sockets closed by the garbage collector"));
}

TEST(Runtimes, PythonCodeThatComesAgainIsNotTakenForThatOfBefore) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  const Tracked tracked = track({"--grace", "0"}, {kPython, script("py_compiled_again.py")});
  EXPECT_EQ(tracked.outcome.out, "done\n");
  std::map<std::string, int> counts;
  for (const Json& group : tracked.report.at("processes").front().at("groups"))
    counts[lines(group.at("sighting_stack"), "python").front()] += group.at("count").get<int>();
  std::map<std::string, int> expected;
  for (int page = 0; page < 10; page++) {
    expected["read_page page.py:" + std::to_string(page + 2)] = 10;
    expected["read_page page" + std::to_string(page) + ".py:2"] = 10;
  }
  EXPECT_EQ(counts, expected);
}

TEST(Runtimes, NoLockOfPythonIsTaken) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  const Tracked tracked = track({}, {kPython, script("py_lock.py"), program("locked_recv.so")});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
}

Json runtime_process(const Arguments& command, const std::string& exe) {
  const Tracked tracked = track({"--grace", "0"}, command);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  return process_of(tracked.report, exe);
}

TEST(Runtimes, PhpServerThatKeepsTheStream) {
  const std::string php = find_program("php");
  if (php.empty()) GTEST_SKIP() << "php is not installed";
  if (!sanitizer().empty()) GTEST_SKIP() << "php loads opcache with RTLD_DEEPBIND, which the runtimes refuse";
  const std::string exe = std::filesystem::canonical(php);
  const Json process = runtime_process({php, script("php_eof.php")}, exe);
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 6 recv"));
  const Json& group = process.at("groups").front();
  EXPECT_THAT(
      lines(group.at("open_stack"), "php"),
      ElementsAre("Shop\\Pool::next php_eof.php:11", "Shop\\serve php_eof.php:34", "{main} php_eof.php:40"));
  EXPECT_THAT(lines(group.at("sighting_stack"), "php"),
              ElementsAre("Shop\\Pool::drain php_eof.php:17",
                          testing::AnyOf("Shop\\{closure} php_eof.php:35",
                                         "{closure:Shop\\serve():35} php_eof.php:35"),  // from 8.4 on
                          "Shop\\serve php_eof.php:35", "{main} php_eof.php:40"));
  EXPECT_THAT(group.at("summary").get<std::string>(),
              testing::HasSubstr("opened at Shop\\Pool::next (php_eof.php:11)"));
  const Json fixed = runtime_process({php, script("php_eof.php"), "fixed"}, exe);
  EXPECT_THAT(fixed.at("groups"), IsEmpty());
  EXPECT_EQ(opened(fixed), opened(process));
}

// Apache unloads its modules when it reads its configuration anew, and they come back anywhere.
TEST(Runtimes, PhpNamesItsLinesWhereverItComesBackTo) {
  const Json process = runtime_process({program("php_moves"), program("php_like.so")}, "/php_moves");
  ASSERT_EQ(leaked(process), 5U);
  for (const Json& group : process.at("groups")) {
    EXPECT_THAT(lines(group.at("open_stack"), "php"), ElementsAre("take shop.php:41")) << group.dump(1);
  }
}

// Asked for a map, node tells what its code is called; frame pointers lead through it.
TEST(Runtimes, NodeThatWritesAMapNamesItsFunctions) {
  const std::string node = find_program("node");
  if (node.empty()) GTEST_SKIP() << "node is not installed";
  const TempDir directory;  // for a log that goes with the map
  const Arguments command{node,
                          "--perf-basic-prof",
                          "--interpreted-frames-native-stack",
                          "--no-logfile-per-isolate",
                          "--logfile=" + (directory / "v8.log"),
                          script("node_unix.js")};
  const Json process = runtime_process(command, "/node");
  ASSERT_THAT(process.at("groups"), testing::Not(IsEmpty()));
  int count = 0;
  for (const Json& group : process.at("groups")) {  // libuv may take a hangup for the end and not read it
    count += group.at("count").get<int>();
    EXPECT_THAT(group.at("open_stack"), Calls("openOne"));
    EXPECT_THAT(group.at("open_stack"), PassesThrough("libc.so")) << "to the outer end";
    EXPECT_THAT(group.at("summary").get<std::string>(),
                testing::HasSubstr("opened at openOne (node_unix.js:15)"));
  }
  EXPECT_EQ(count, 4);
  Arguments fixed = command;
  fixed.emplace_back("fixed");
  EXPECT_THAT(runtime_process(fixed, "/node").at("groups"), IsEmpty());
  std::filesystem::remove("/tmp/perf-" + std::to_string(process.at("pid").get<int>()) + ".map");
}

}  // namespace
}  // namespace scenario
