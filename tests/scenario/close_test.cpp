// Help from outside for a process that was not started under us.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Outcome socktrack(const Arguments& options) {
  Arguments all{command()};
  all.insert(all.end(), options.begin(), options.end());
  return run(all, base_environment());
}

Outcome close_of(pid_t pid, const Arguments& options) {
  Arguments all{"close", std::to_string(pid), "--grace", "0"};
  all.insert(all.end(), options.begin(), options.end());
  return socktrack(all);
}

// The sockets of the process that are in CLOSE_WAIT, with what scan calls them.
std::vector<std::pair<std::string, Json>> dead_sockets(pid_t pid) {
  const Json document = parse_scan(socktrack({"scan", "--json", "--grace", "0", std::to_string(pid)}).out);
  std::vector<std::pair<std::string, Json>> found;
  for (const Json& process : document.at("processes")) {
    for (const Json& group : process.at("groups")) {
      for (const Json& socket : group.at("sockets")) {
        if (socket.at("state") == "CLOSE_WAIT") found.emplace_back(group.at("finding"), socket);
      }
    }
  }
  return found;
}

bool has_dead(pid_t pid, std::size_t count) {
  return eventually([&] { return dead_sockets(pid).size() == count; });
}

std::size_t lines(const std::string& text, const std::string& with) {
  std::size_t count = 0;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) count += line.find(with) != std::string::npos ? 1U : 0U;
  return count;
}

class Close : public testing::Test {
 protected:
  void start(const Arguments& arguments, std::size_t dead) {
    process_ = std::make_unique<Process>(arguments);
    ASSERT_THAT(process_->line(), HasSubstr("ready"));
    ASSERT_TRUE(has_dead(process_->pid(), dead));
  }
  pid_t pid() const { return process_->pid(); }

  std::unique_ptr<Process> process_;
};

TEST_F(Close, TheProgramGoesOn) {
  start({program("hold"), "3"}, 3);
  const Outcome outcome = close_of(pid(), {"--group", "eof_not_closed"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(lines(outcome.out, "shut down, now "), 3U) << "one line for each: " << outcome.out;
  EXPECT_THAT(outcome.err, HasSubstr("neither ignores nor handles SIGPIPE"));
  EXPECT_TRUE(has_dead(pid(), 0));
  process_->say("leak\nclose\n");
  EXPECT_EQ(process_->line(), "leaked");
  EXPECT_EQ(process_->line(), "closed") << "its own close() is right";
  EXPECT_EQ(process_->finish().status, 0);
}

TEST_F(Close, DryRunTouchesNothing) {
  start({program("hold"), "3"}, 3);
  const Outcome outcome = close_of(pid(), {"--all-close-wait", "--dry-run"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(lines(outcome.out, ": would be shut down"), 3U);
  EXPECT_TRUE(has_dead(pid(), 3));
}

TEST_F(Close, OneByItsCookieOrAllOfAPort) {
  start({program("hold"), "3"}, 3);
  const Json first = dead_sockets(pid()).front().second;
  EXPECT_EQ(close_of(pid(), {"--socket", std::to_string(first.at("cookie").get<std::uint64_t>())}).status, 0);
  EXPECT_TRUE(has_dead(pid(), 2));
  EXPECT_EQ(close_of(pid(), {"--socket", "1"}).status, 1);
  const std::string local = first.at("local");
  EXPECT_EQ(close_of(pid(), {"--port", local.substr(local.rfind(':') + 1)}).status, 0);
  EXPECT_TRUE(has_dead(pid(), 0));
}

TEST_F(Close, WhatMayStillBeReadIsLeftAlone) {
  start({program("dead_sockets")}, 15);
  const Outcome outcome = close_of(pid(), {"--all-close-wait"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(lines(outcome.out, "shut down, now "), 8U) << outcome.out;
  EXPECT_EQ(lines(outcome.out, "left alone. 3 bytes are unread"), 2U);
  EXPECT_EQ(lines(outcome.out, "left alone. 24 bytes are unread"), 1U);
  EXPECT_EQ(lines(outcome.out, "left alone. It was never accepted"), 4U);
  EXPECT_TRUE(has_dead(pid(), 7));
  EXPECT_EQ(close_of(pid(), {"--all-close-wait", "--force"}).status, 1) << "nobody has the four";
  EXPECT_TRUE(has_dead(pid(), 4));
  EXPECT_EQ(process_->finish().status, 0);
}

TEST_F(Close, TheYoungAreLeftAlone) {
  start({program("hold"), "2"}, 2);
  const Outcome outcome = socktrack({"close", std::to_string(pid()), "--all-close-wait", "--grace", "1h"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(lines(outcome.out, "dead for less than the grace"), 2U);
}

TEST_F(Close, OtherHoldersAreNamed) {
  const std::string forks =
      "import os, socket, sys\n"
      "server = socket.create_server(('127.0.0.1', 0))\n"
      "client = socket.create_connection(server.getsockname())\n"
      "connection, _ = server.accept()\n"
      "client.close()\n"
      "assert connection.recv(1) == b''\n"
      "child = os.fork()\n"
      "if child == 0:\n"
      "    sys.stdin.read()\n"
      "    os._exit(0)\n"
      "print('ready', child, flush=True)\n"
      "sys.stdin.read()\n";
  process_ = std::make_unique<Process>(Arguments{"/usr/bin/python3", "-c", forks});
  const std::string child = process_->line().substr(sizeof "ready");
  ASSERT_TRUE(has_dead(pid(), 1));
  const Outcome refused = close_of(pid(), {"--all-close-wait"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.out, AllOf(HasSubstr("Other processes hold it as well"), HasSubstr(child + " (fd ")));
  EXPECT_THAT(refused.err, Not(HasSubstr("SIGPIPE"))) << "Python ignores it";
  EXPECT_EQ(close_of(pid(), {"--all-close-wait", "--force"}).status, 0);
  EXPECT_TRUE(has_dead(pid(), 0));
  EXPECT_EQ(process_->finish().status, 0);
}

TEST_F(Close, RaisesTheLimit) {
  start({"sh", "-c", "ulimit -Sn 64 && exec \"$0\" 2", program("hold")}, 2);
  const auto limit = [this] {
    std::ifstream file("/proc/" + std::to_string(pid()) + "/limits");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Max open files")) return std::stoi(line.substr(14));
    }
    return 0;
  };
  EXPECT_EQ(close_of(pid(), {"--raise-limit", "128", "--dry-run"}).status, 0);
  EXPECT_EQ(limit(), 64);
  const Outcome outcome = close_of(pid(), {"--raise-limit", "128"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("is now 128 (was 64)"));
  EXPECT_EQ(limit(), 128);
  EXPECT_EQ(close_of(pid(), {"--raise-limit", "128"}).status, 2) << "lower or equal is no raise";
}

TEST_F(Close, OnlyWhoMayTraceIt) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can try another user";
  const Arguments as_nobody{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", command()};
  Arguments version = as_nobody;
  version.emplace_back("--version");
  if (run(version, base_environment()).status != 0) GTEST_SKIP() << "nobody may not run the command here";
  start({program("hold"), "1"}, 1);
  Arguments all = as_nobody;
  for (const std::string& each :
       {std::string("close"), std::to_string(pid()), std::string("--all-close-wait")}) {
    all.push_back(each);
  }
  const Outcome refused = run(all, base_environment());
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("by its owner and by root only"));
  EXPECT_TRUE(has_dead(pid(), 1));
}

TEST(CloseCommand, WrongUse) {
  const std::string self = std::to_string(getpid());
  EXPECT_EQ(socktrack({"close"}).status, 2);
  EXPECT_EQ(socktrack({"close", self}).status, 2);
  EXPECT_EQ(socktrack({"close", "0", "--all-close-wait"}).status, 2);
  EXPECT_EQ(socktrack({"close", self, "--all-close-wait", "--port", "80"}).status, 2);
  EXPECT_EQ(socktrack({"close", self, "--group", "healthy"}).status, 2);
  EXPECT_EQ(socktrack({"close", self, "--all-close-wait", "--grace", "soon"}).status, 2);
  EXPECT_EQ(socktrack({"close", "2147483646", "--all-close-wait"}).status, 1);
  EXPECT_THAT(socktrack({"close", self, "--all-close-wait"}).err, HasSubstr("no such sockets"));
}

}  // namespace
}  // namespace scenario
