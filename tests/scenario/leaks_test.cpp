// Native programs that leak: verdict, exact count, where the socket was opened, where its end was seen,
// and nothing else. Each stands beside its own fixed version, so a test cannot pass for a wrong reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Arguments kAtOnce = {"--grace", "0"};

// Runs a program of tests/programs that must say "done" and succeed, and returns what its process says.
Json process_after(const Arguments& program_and_arguments) {
  Arguments arguments = program_and_arguments;
  const std::string name = arguments.front();
  arguments.front() = program(name);
  const Tracked tracked = track(kAtOnce, arguments);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  EXPECT_EQ(tracked.report.at("processes").size(), 1U);
  EXPECT_TRUE(tracked.report.at("complete").get<bool>());
  return process_of(tracked.report, "/" + name);
}

void expect_no_leak(const Json& process, std::uint64_t sockets) {
  EXPECT_THAT(process.at("groups"), IsEmpty());
  EXPECT_EQ(leaked(process), 0U);
  EXPECT_EQ(opened(process), sockets) << "the recorder did not see every socket";
}

// The number of the line of the source that contains `text`, 0 if there is none.
int line_of(const std::string& source, const std::string& text) {
  std::ifstream in(source);
  std::string line;
  for (int number = 1; std::getline(in, line); number++) {
    if (line.find(text) != std::string::npos) return number;
  }
  return 0;
}

TEST(Leaks, ServerThatReadsTheEndAndForgetsToClose) {
  const Json process = process_after({"c_eof"});
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 23 recv"));
  EXPECT_EQ(leaked(process), 23U);
  EXPECT_EQ(opened(process), 81U);  // listener, 40 clients, 40 accepted
  const Json& group = process.at("groups").front();
  EXPECT_THAT(group.at("open_stack"), Calls("accept_client"));
  EXPECT_THAT(group.at("open_stack"), Calls("main"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("read_request"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("handle_client"));
  EXPECT_THAT(group.at("sibling_close_stack"), Calls("finish_client"));
  EXPECT_TRUE(group.at("errno").is_null());
  EXPECT_FALSE(group.at("hint").get<std::string>().empty());
}

TEST(Leaks, NamesFileAndLine) {
  const Json process = process_after({"c_eof"});
  ASSERT_EQ(process.at("groups").size(), 1U);
  const Json& stack = process.at("groups").front().at("sighting_stack");
  const auto frame = std::find_if(stack.begin(), stack.end(),
                                  [](const Json& each) { return each.at("function") == "read_request"; });
  ASSERT_NE(frame, stack.end()) << stack.dump(1);
  EXPECT_THAT(frame->at("file").get<std::string>(), HasSubstr("tests/programs/c_eof.c"));
  EXPECT_EQ(frame->at("line"), line_of(program_source("c_eof.c"), "recv(fd"));
  EXPECT_EQ(frame->at("language"), "native");
}

TEST(Leaks, EachLeakedSocketIsDescribed) {
  const Json process = process_after({"c_eof"});
  ASSERT_EQ(process.at("groups").size(), 1U);
  const Json& sockets = process.at("groups").front().at("sockets");
  ASSERT_EQ(sockets.size(), 23U);
  std::set<std::uint64_t> cookies;
  std::set<int> descriptors;
  for (const Json& socket : sockets) {
    EXPECT_EQ(socket.at("state"), "CLOSE_WAIT");
    EXPECT_EQ(socket.at("recv_q"), 0);
    EXPECT_THAT(socket.at("local").get<std::string>(), HasSubstr("127.0.0.1:"));
    EXPECT_THAT(socket.at("peer").get<std::string>(), HasSubstr("127.0.0.1:"));
    EXPECT_GT(socket.at("inode").get<std::uint64_t>(), 0U);
    cookies.insert(socket.at("cookie").get<std::uint64_t>());
    descriptors.insert(socket.at("fd").get<int>());
  }
  EXPECT_EQ(cookies.size(), 23U);
  EXPECT_EQ(descriptors.size(), 23U);
}

TEST(Leaks, ServerThatCloses) { expect_no_leak(process_after({"c_eof", "fixed"}), 81); }

TEST(Leaks, ThreadPoolThatLosesTheSocketInItsCatchBlock) {
  const Json process = process_after({"cpp_pool"});
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("error_not_closed 11 recv ECONNRESET"));
  EXPECT_EQ(leaked(process), 11U);
  const Json& group = process.at("groups").front();
  EXPECT_THAT(group.at("open_stack"), Calls("accept_client"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("Session::read_command"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("Pool::work"));
  EXPECT_THAT(group.at("sibling_close_stack"), Calls("Session::finish"));
  EXPECT_EQ(group.at("thread"), "pool-worker");
}

TEST(Leaks, ThreadPoolThatCloses) { expect_no_leak(process_after({"cpp_pool", "fixed"}), 49); }

TEST(Leaks, RetryLoopThatDropsItsSockets) {
  const Json process = process_after({"connect_retry"});
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("abandoned 7 connect ECONNREFUSED"));
  EXPECT_EQ(leaked(process), 7U);
  const Json& group = process.at("groups").front();
  EXPECT_THAT(group.at("open_stack"), Calls("try_connect"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("try_connect"));
}

TEST(Leaks, RetryLoopWithNonBlockingConnect) {
  const Json process = process_after({"connect_retry", "nonblocking"});
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("abandoned 7 getsockopt ECONNREFUSED"));
  const Json& group = process.at("groups").front();
  EXPECT_THAT(group.at("open_stack"), Calls("try_connect"));
  EXPECT_THAT(group.at("sighting_stack"), Calls("try_connect"));
}

TEST(Leaks, RetryLoopThatCloses) {
  expect_no_leak(process_after({"connect_retry", "fixed"}), 11);
  expect_no_leak(process_after({"connect_retry", "fixed", "nonblocking"}), 11);
}

TEST(Leaks, NobodyReadsTheEnd) {
  const Json process = process_after({"fin_unread"});
  ASSERT_EQ(process.at("groups").size(), 1U) << process.at("groups").dump(1);
  const Json& group = process.at("groups").front();
  EXPECT_EQ(group.at("verdict"), "fin_unread");
  EXPECT_EQ(group.at("count"), 9);
  EXPECT_THAT(group.at("open_stack"), Calls("accept_client"));
  EXPECT_THAT(group.at("sighting_stack"), IsEmpty());
  EXPECT_EQ(leaked(process), 0U) << "a finding to look at, not a leak";
  for (const Json& socket : group.at("sockets")) EXPECT_EQ(socket.at("recv_q"), 1);
}

TEST(Leaks, NobodyReadsTheData) {
  const Json process = process_after({"fin_unread", "data"});
  ASSERT_EQ(process.at("groups").size(), 1U) << process.at("groups").dump(1);
  EXPECT_EQ(process.at("groups").front().at("verdict"), "data_unread");
  EXPECT_EQ(process.at("groups").front().at("count"), 9);
  EXPECT_EQ(leaked(process), 0U);
}

class DuplicateLeaks : public testing::TestWithParam<const char*> {};

TEST_P(DuplicateLeaks, ASocketIsCountedOnceHoweverManyDescriptorsItHad) {
  const Json process = process_after({"dup_leak", GetParam()});
  EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 3 recv"));
  EXPECT_EQ(leaked(process), 3U);
}

INSTANTIATE_TEST_SUITE_P(Leaks, DuplicateLeaks, testing::Values("dup", "dup2", "dup3", "fcntl"),
                         [](const auto& each) { return std::string(each.param); });

// No hook sees what stdio reads, so nobody can say that the program was told: a finding, not a leak.
TEST(Leaks, StreamsThatAreNeverClosed) {
  const Json process = process_after({"fdopen_leak"});
  ASSERT_EQ(process.at("groups").size(), 1U) << process.at("groups").dump(1);
  const Json& group = process.at("groups").front();
  EXPECT_EQ(group.at("verdict"), "eof_not_closed");
  EXPECT_EQ(group.at("count"), 4);
  EXPECT_THAT(group.at("open_stack"), Calls("accept_client"));
  EXPECT_EQ(group.at("operation"), "stdio");  // the FILE remembers the end that libc read
  EXPECT_EQ(leaked(process), 4U);
}

TEST(Leaks, StreamsThatAreClosed) { expect_no_leak(process_after({"fdopen_leak", "fixed"}), 15); }

TEST(Leaks, Dup2OntoItselfClosesNothing) {
  const Json process = process_after({"dup2_over"});
  EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 5 recv"));
}

TEST(Leaks, CloseRangeThatOnlyMarksClosesNothing) {
  const Json process = process_after({"close_many", "cloexec"});
  EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 6 recv"));
}

TEST(Leaks, WhatAVforkChildClosesStaysOpenHere) {
  const Json process = process_after({"vfork_closes"});
  EXPECT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 5 recv"));
}

TEST(Leaks, BesideSocketsClosedThroughSyscall) {
  const Json process = process_after({"syscall_close"});
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 2 read"));
  EXPECT_THAT(process.at("groups").front().at("open_stack"), Calls("serve_one"));
}

// The children got copies of connections over exec: that is told of them, and is no leak of theirs.
TEST(Leaks, WithChildrenStartedInBetween) {
  const Tracked tracked = track(kAtOnce, {program("child_between")});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  for (const Json& process : tracked.report.at("processes")) {
    const bool is_child = process.at("exe").get<std::string>().find("/child_between") == std::string::npos;
    EXPECT_EQ(leaked(process), is_child ? 0U : 4U) << process.dump(1);
    for (const Json& group : process.at("groups")) {
      EXPECT_EQ(group.at("verdict"), is_child ? "inherited" : "eof_not_closed");
    }
  }
  EXPECT_THAT(summary(process_of(tracked.report, "/child_between").at("groups")),
              ElementsAre("eof_not_closed 4 recv"));
}

// Given over exec under this number, and used with read() alone, which asks nothing about files.
struct Given {
  const char* name;
  const char* number;
  const char* mode;
  const char* grace;
  const char* group;  // "" = none
};
void PrintTo(const Given& given, std::ostream* out) { *out << given.name; }
class GivenOverExec : public testing::TestWithParam<Given> {};

TEST_P(GivenOverExec, IsKnownFromTheStart) {
  const Given& given = GetParam();
  const Tracked tracked =
      track({"--grace", given.grace, "--interval", "50ms"}, {program("over_exec"), given.number, given.mode});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  std::vector<std::string> groups;
  for (const Json& process : processes_of(tracked.report, "/over_exec")) {
    for (const std::string& group : summary(process.at("groups"))) groups.push_back(group);
    if (*given.group == '\0') {
      EXPECT_THAT(process.at("open_at_exit"), IsEmpty()) << process.dump(1);
    }
  }
  if (*given.group == '\0') {
    EXPECT_THAT(groups, IsEmpty()) << tracked.report.dump(1);
  } else {
    EXPECT_THAT(groups, ElementsAre(given.group)) << tracked.report.dump(1);
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, GivenOverExec,
                         testing::Values(Given{"three", "3", "read", "0", "eof_not_closed 1 read"},
                                         Given{"three_closed", "3", "close", "0", ""},
                                         Given{"beyond_255", "300", "read", "0", "eof_not_closed 1 read"},
                                         Given{"beyond_512", "900", "read", "0", "eof_not_closed 1 read"},
                                         Given{"inetd_exits", "0", "read", "0", ""},
                                         Given{"inetd_stays", "0", "stay", "100ms", "eof_not_closed 1 read"},
                                         Given{"inetd_stdio", "0", "fgets", "100ms",
                                               "eof_not_closed 1 stdio"},
                                         Given{"listener", "3", "accept", "0", "eof_not_closed 1 read"},
                                         Given{"cloexec", "3", "cloexec", "0", ""}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace scenario
