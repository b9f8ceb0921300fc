// nginx, redis and curl as Debian ships them, under a bounded load: right answers, and nobody accused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "real.h"
#include "servers.h"

namespace scenario {
namespace {

using testing::HasSubstr;

constexpr int kRequests = 1000;

std::string hellos(int count) {
  std::string text;
  for (int i = 0; i < count; i++) text += "hello\n";
  return text;
}

std::string numbered(const Nginx& nginx) { return nginx.url("/hello?[1-" + std::to_string(kRequests) + "]"); }

class NginxMode : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    for (const char* name : {"nginx", "curl"}) {
      if (const std::string reason = why_not(name); !reason.empty()) GTEST_SKIP() << reason;
    }
  }
};

TEST_P(NginxMode, ServesAndIsNotAccused) {
  const bool keepalive = GetParam();
  Nginx nginx(true, keepalive);
  ASSERT_TRUE(nginx.ready()) << nginx.complaints();
  const Outcome many = run({"curl", "-sS", numbered(nginx)});
  EXPECT_EQ(many.status, 0) << many.err;
  EXPECT_EQ(many.out, hellos(kRequests));
  const Outcome parallel = run({"curl", "-sS", "-Z", "--parallel-max", "32", numbered(nginx)});
  EXPECT_EQ(parallel.status, 0) << parallel.err;
  EXPECT_EQ(parallel.out.size(), hellos(kRequests).size());
  EXPECT_EQ(run({"curl", "-sS", nginx.url("/page.txt")}).out, nginx.page());
  nginx.process().send_signal(keepalive ? SIGQUIT : SIGTERM);
  const Outcome outcome = nginx.process().wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(nginx.complaints(), "");
  const Json report = nginx.report();
  expect_no_groups(report);
  EXPECT_GE(processes_of(report, "/nginx").size(), 2U) << "the master and a worker that served";
  EXPECT_GE(opened_by(report, "/nginx"), keepalive ? 10U : 2U * kRequests);
}

INSTANTIATE_TEST_SUITE_P(Real, NginxMode, testing::Values(true, false),
                         [](const auto& each) { return std::string(each.param ? "keepalive" : "close"); });

TEST(Real, NginxUnderConnectionsThatBreakOff) {
  for (const char* name : {"nginx", "wrk"}) {
    if (const std::string reason = why_not(name); !reason.empty()) GTEST_SKIP() << reason;
  }
  Nginx nginx(true, true);
  ASSERT_TRUE(nginx.ready()) << nginx.complaints();
  const Outcome load = run({"wrk", "-t1", "-c64", "-d1s", nginx.url("/page.txt")});
  EXPECT_EQ(load.status, 0) << load.err;
  EXPECT_THAT(load.out, testing::Not(HasSubstr("Non-2xx")));
  nginx.process().send_signal(SIGQUIT);
  EXPECT_EQ(nginx.process().wait().status, 0);
  const Json report = nginx.report();
  expect_no_groups(report);
  EXPECT_GE(opened_by(report, "/nginx"), 64U);
}

TEST(Real, Curl) {
  for (const char* name : {"nginx", "curl"}) {
    if (const std::string reason = why_not(name); !reason.empty()) GTEST_SKIP() << reason;
  }
  Nginx nginx(false, true);
  ASSERT_TRUE(nginx.ready()) << nginx.complaints();
  const std::string curl = find_program("curl");
  expect_unchanged_and_healthy({curl, "-sS", nginx.url("/page.txt")}, "/curl", 1);
  expect_unchanged_and_healthy({curl, "-sS", "-H", "Connection: close", nginx.url("/hello?[1-20]")}, "/curl",
                               20);
  const Arguments refused{curl, "-sS", "http://127.0.0.1:" + std::to_string(free_port()) + "/"};
  EXPECT_EQ(track(kHalfSecond, refused).outcome.status, run(refused).status);
  nginx.process().send_signal(SIGTERM);
  EXPECT_EQ(nginx.process().wait().status, 0);
}

TEST(Real, Redis) {
  for (const char* name : {"redis-server", "redis-cli", "redis-benchmark"}) {
    if (const std::string reason = why_not(name); !reason.empty()) GTEST_SKIP() << reason;
  }
  Redis redis;
  ASSERT_TRUE(redis.ready());
  EXPECT_EQ(redis.ask({"set", "colour", "blue"}).out, "OK\n");
  EXPECT_EQ(redis.ask({"get", "colour"}).out, "blue\n");
  const Tracked load = track(kHalfSecond, {find_program("redis-benchmark"), "-p", redis.port(), "-q", "-c",
                                           "20", "-n", "2000", "-t", "set,get"});
  EXPECT_EQ(load.outcome.status, 0) << load.outcome.err;
  expect_no_groups(load.report);
  EXPECT_GE(opened_by(load.report, "/redis-benchmark"), 20U);
  // A child that saves while the connections of its parent come and go.
  EXPECT_THAT(redis.ask({"bgsave"}).out, HasSubstr("Background saving started"));
  EXPECT_TRUE(eventually([&] {
    return redis.ask({"info", "persistence"}).out.find("rdb_bgsave_in_progress:0") != std::string::npos;
  }));
  EXPECT_THAT(redis.ask({"info", "persistence"}).out, HasSubstr("rdb_last_bgsave_status:ok"));
  redis.ask({"shutdown", "nosave"});
  const Outcome outcome = redis.process().wait();
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const Json report = redis.report();
  expect_no_groups(report);
  EXPECT_GE(opened_by(report, "/redis-check-rdb") + opened_by(report, "/redis-server"), 40U);
}

}  // namespace
}  // namespace scenario
