// Leaks in programs of other languages: the native frames of their runtimes are what this release shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kPython = "/usr/bin/python3";

Json python_process(const Arguments& arguments) {
  Arguments all{kPython, script("py_eof.py")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Tracked tracked = track({"--grace", "0"}, all);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  EXPECT_EQ(tracked.report.at("processes").size(), 1U);
  return tracked.report.at("processes").front();
}

TEST(Runtimes, PythonServerThatKeepsTheSocket) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  const Json process = python_process({});
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 7 recv"));
  EXPECT_EQ(leaked(process), 7U);
  const Json& group = process.at("groups").front();
  EXPECT_THAT(group.at("open_stack"), PassesThrough("python3"));
  EXPECT_THAT(group.at("sighting_stack"), PassesThrough("python3"));
  const Json fixed = python_process({"fixed"});
  EXPECT_THAT(fixed.at("groups"), IsEmpty());
  EXPECT_EQ(opened(fixed), opened(process));
}

TEST(Runtimes, JavaSelectorThatCancelsTheKeyAndForgetsTheChannel) {
  if (java_classes("programs").empty()) GTEST_SKIP() << "no JDK when this was configured";
  if (!sanitizer().empty()) GTEST_SKIP() << "a JVM does not live under a preloaded sanitizer";
  const Arguments java{find_program("java"), "-cp", java_classes("programs"), "NioLeak"};
  const Tracked tracked = track({"--grace", "0"}, java);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  const Json process = process_of(tracked.report, "/java");
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 6 read"));
  EXPECT_EQ(leaked(process), 6U);
  const Json& group = process.at("groups").front();
  EXPECT_THAT(group.at("open_stack"), Calls("Java_sun_nio_ch_Net_accept"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("Java_sun_nio_ch_SocketDispatcher_read0"));
  EXPECT_THAT(group.at("sighting_stack"), PassesThrough("libnio.so"));

  Arguments fixed_java = java;
  fixed_java.emplace_back("fixed");
  const Tracked fixed = track({"--grace", "0"}, fixed_java);
  EXPECT_EQ(fixed.outcome.status, 0) << fixed.outcome.err;
  EXPECT_THAT(process_of(fixed.report, "/java").at("groups"), IsEmpty());
}

}  // namespace
}  // namespace scenario
