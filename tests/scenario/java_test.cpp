// Leaks in Java programs, named in Java: on an unmodified VM, without a flag or an agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

std::string why_no_java() {
  if (java_classes("programs").empty()) return "no JDK when this was configured";
  if (!sanitizer().empty()) return "a JVM does not live under a preloaded sanitizer";
  return "";
}

Json java_process(const Arguments& class_and_arguments, const Arguments& flags = {},
                  const std::string& java = find_program("java")) {
  Arguments all{java};
  all.insert(all.end(), flags.begin(), flags.end());
  all.insert(all.end(), {"-cp", java_classes("programs")});
  all.insert(all.end(), class_and_arguments.begin(), class_and_arguments.end());
  const Tracked tracked = track({"--grace", "0"}, all);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  return process_of(tracked.report, "/java");
}

// What the program itself has in a stack, in order.
std::vector<std::string> own_lines(const Json& stack) {
  std::vector<std::string> own;
  for (const std::string& line : lines(stack, "java")) {
    if (!line.starts_with("java.") && !line.starts_with("sun.") && !line.starts_with("jdk."))
      own.push_back(line);
  }
  return own;
}

TEST(Java, SelectorThatCancelsTheKeyAndForgetsTheChannel) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  const Json process = java_process({"NioLeak"});
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 6 read"));
  EXPECT_EQ(leaked(process), 6U);
  const Json& group = process.at("groups").front();
  EXPECT_THAT(group.at("open_stack"), Calls("Java_sun_nio_ch_Net_accept"));
  EXPECT_THAT(own_lines(group.at("open_stack")),
              ElementsAre("NioLeak.accept NioLeak.java:46", "NioLeak.serve NioLeak.java:56",
                          "NioLeak.main NioLeak.java:87"));
  const Json& seen = group.at("sighting_stack");
  EXPECT_THAT(functions(seen).front(), "Java_sun_nio_ch_SocketDispatcher_read0") << "C frames first";
  EXPECT_THAT(lines(seen, "java").front(), "sun.nio.ch.SocketDispatcher.read0 SocketDispatcher.java");
  EXPECT_THAT(seen, PassesThrough("libnio.so"));
  EXPECT_THAT(own_lines(seen), ElementsAre("NioLeak.onReadable NioLeak.java:33",
                                           "NioLeak.serve NioLeak.java:57", "NioLeak.main NioLeak.java:87"));
  EXPECT_THAT(own_lines(group.at("sibling_close_stack")), Contains("NioLeak.serve NioLeak.java:54"))
      << "the next select() closes what was cancelled";
  EXPECT_THAT(group.at("summary").get<std::string>(),
              AllOf(HasSubstr("opened at NioLeak.accept (NioLeak.java:46)"),
                    HasSubstr("end of stream at NioLeak.onReadable (NioLeak.java:33)")));

  const Json fixed = java_process({"NioLeak", "fixed"});
  EXPECT_THAT(fixed.at("groups"), IsEmpty());
  EXPECT_EQ(opened(fixed), opened(process));
}

void expect_blocking_leak(const Json& process) {
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 300 read"))
      << "however the code was compiled, and whether the end was waited for";
  const Json& group = process.at("groups").front();
  EXPECT_THAT(own_lines(group.at("open_stack")), ElementsAre("BlockingLeak.next BlockingLeak.java:40",
                                                             "BlockingLeak.main BlockingLeak.java:51"));
  EXPECT_THAT(own_lines(group.at("sighting_stack")),
              ElementsAre("BlockingLeak$Reader.drain BlockingLeak.java:25",
                          "BlockingLeak.handle BlockingLeak.java:32",
                          "BlockingLeak.lambda$main$0 BlockingLeak.java:52"));
  EXPECT_THAT(own_lines(group.at("sibling_close_stack")),
              Contains("BlockingLeak.handle BlockingLeak.java:32"));
}

TEST(Java, BlockingServerThatKeepsTheSocket) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  const Json process = java_process({"BlockingLeak"});
  expect_blocking_leak(process);
  EXPECT_THAT(process.at("groups").front().at("threads"),
              IsSupersetOf({"pool-1-thread-1", "pool-1-thread-2"}));
  const Json again = java_process({"BlockingLeak"}, {"-Xint"});
  expect_blocking_leak(again);
  EXPECT_EQ(process.at("groups").front().at("fingerprint"), again.at("groups").front().at("fingerprint"));
  EXPECT_THAT(java_process({"BlockingLeak", "fixed"}).at("groups"), IsEmpty());
}

bool has_virtual_threads(const std::string& java) {
  const std::string said = run({java, "-version"}).err;
  const auto number = said.find("version \"");
  return number != std::string::npos && std::atoi(said.c_str() + number + 9) >= 21;
}

// Other versions keep their sockets in other classes: all that are here.
TEST(Java, EveryVersionNamesItsLines) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  std::error_code none;
  const std::string usual = std::filesystem::canonical(find_program("java"), none);
  int tried = 0;
  for (const auto& jdk : std::filesystem::directory_iterator("/usr/lib/jvm", none)) {
    const std::string java = jdk.path() / "bin/java";
    if (jdk.is_symlink() || access(java.c_str(), X_OK) != 0 || java == usual) continue;
    SCOPED_TRACE(java);
    expect_blocking_leak(java_process({"BlockingLeak"}, {}, java));
    if (has_virtual_threads(java)) expect_blocking_leak(java_process({"BlockingLeak", "virtual"}, {}, java));
    tried++;
  }
  if (tried == 0) GTEST_SKIP() << "no other JDK in /usr/lib/jvm";
}

// As the README shows it: from its source.
TEST(Java, TheExampleOfTheReadme) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string source = program_source("../../examples/LeakyServer.java");
  const Tracked leaky = track({"--grace", "0"}, {find_program("java"), source});
  const Json process = process_of(leaky.report, "/java");
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 12 read"));
  EXPECT_THAT(lines(process.at("groups").front().at("sighting_stack"), "java"),
              Contains("LeakyServer.answer LeakyServer.java:34"));
  EXPECT_THAT(leaky.outcome.err, HasSubstr("frames of the JDK"));
  const Tracked fixed = track({"--grace", "0", "--fail-on-leak"}, {find_program("java"), source, "fixed"});
  EXPECT_EQ(fixed.outcome.status, 0) << fixed.outcome.err;
}

// How often the collector came, and in which way, says nothing about the program.
TEST(Java, SameAnswersUnderEveryCollectorAndItsOwnChecks) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  int tried = 0;
  for (const char* collector : {"Serial", "Parallel", "G1", "Z", "Shenandoah"}) {
    SCOPED_TRACE(collector);
    const std::string flag = std::string("-XX:+Use") + collector + "GC";
    if (run({find_program("java"), flag, "-version"}).status != 0) continue;
    const Json process = java_process({"Churn", "400", "leak"}, {flag, "-Xmx64m", "-Xcheck:jni"});
    ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 32 read"));
    const Json& group = process.at("groups").front();
    EXPECT_THAT(own_lines(group.at("open_stack")).front(), "Churn.serve Churn.java:42");
    EXPECT_THAT(own_lines(group.at("sighting_stack")).front(), "Churn.readToEnd Churn.java:31");
    tried++;
  }
  EXPECT_GE(tried, 3);
}

TEST(Java, ExitInTheMiddleOfEverything) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  for (int i = 0; i < 5; i++)
    java_process({"Churn", std::to_string(100 * (i + 1)), "exit"}, {"-Xmx64m", "-Xcheck:jni"});
}

// The JDK's way to wake who reads: a dead descriptor over the number. That is the close, the number's is not.
TEST(Java, ClosedWhileAnotherThreadReads) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  for (const char* flag : {"-Djdk.lang.Process.launchMechanism=FORK",
                           "-Djdk.lang.Process.launchMechanism=VFORK", "-Djdk.net.usePlainSocketImpl=true"}) {
    SCOPED_TRACE(flag);
    const Json process = java_process({"Interrupted"}, {flag});
    EXPECT_THAT(process.at("groups"), IsEmpty());
    EXPECT_GE(opened(process), 21U);
    EXPECT_THAT(process.at("blind_spots").dump(), testing::Not(HasSubstr("unseen_close")));
  }
}

TEST(Java, WhatOnlyTheCollectorClosesIsTold) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  const Json process = java_process({"Dropped"});
  EXPECT_THAT(process.at("groups"), IsEmpty());
  ASSERT_EQ(process.at("collected").size(), 1U) << process.dump(1);
  const Json& collected = process.at("collected").front();
  EXPECT_EQ(collected.at("count"), 20);
  EXPECT_THAT(own_lines(collected.at("open_stack")),
              ElementsAre("Dropped.serve Dropped.java:18", "Dropped.main Dropped.java:27"));
}

TEST(Java, VmThatAProgramStartsLateAndLetsGo) {
  if (const std::string reason = why_no_java(); !reason.empty()) GTEST_SKIP() << reason;
  if (access(program("embedded_vm").c_str(), X_OK) != 0) GTEST_SKIP() << "no jni.h when this was configured";
  const auto home = std::filesystem::canonical(find_program("java")).parent_path().parent_path();
  const std::string vm = home / "lib/server/libjvm.so";
  const Tracked tracked =
      track({"--grace", "0"}, {program("embedded_vm"), vm, java_classes("programs"), "NioLeak"});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  const Json process = process_of(tracked.report, "/embedded_vm");
  int java = 0;
  for (const Json& group : process.at("groups")) {
    if (group.at("operation") != "read") continue;
    EXPECT_EQ(group.at("count"), 6);
    EXPECT_THAT(own_lines(group.at("sighting_stack")).front(), "NioLeak.onReadable NioLeak.java:33");
    java++;
  }
  EXPECT_EQ(java, 1);
  EXPECT_EQ(leaked(process), 9U) << process.at("groups").dump(1);
}

}  // namespace
}  // namespace scenario
