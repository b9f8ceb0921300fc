// Groups of one leak become one; what tells two leaks apart keeps them apart.
#include "watch/same_leak.h"

#include <gmock/gmock.h>

namespace socktrack {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

Frame frame(const std::string& function, int line) {
  Frame made;
  made.module = "/srv/server";
  made.function = function;
  made.file = "/src/server.c";
  made.line = line;
  return made;
}

LeakGroup leak(std::uint64_t count, std::uint32_t open_site) {
  LeakGroup made;
  made.fingerprint = "0123456789abcdef";
  made.verdict = Verdict::eof_not_closed;
  made.severity = Severity::leak;
  made.count = count;
  made.operation = "recv";
  made.open_sites = {open_site};
  made.open_stack = {frame("take", 7)};
  made.sighting_stack = {frame("read_all", 9)};
  made.opened_here = 10;
  made.closed_here = 4;
  made.oldest_s = made.median_s = static_cast<double>(count);
  made.threads = {"worker"};
  made.peers = {{"10.0.0.1", count}};
  made.sockets.resize(count);
  made.sibling_closes = {{1, 4, {frame("conn_free", 88)}}};
  return made;
}

TEST(SameLeak, CountsAreAddedUp) {
  LeakGroup other = leak(5, 2);
  other.open_stack.push_back(frame("elsewhere", 1));
  other.threads = {"worker", "main"};
  other.peers = {{"10.0.0.2", 5}};
  std::vector<LeakGroup> groups{leak(2, 1), other, leak(1, 1)};
  merge_same_leaks(groups, 6);
  ASSERT_THAT(groups, SizeIs(1));
  const LeakGroup& one = groups[0];
  EXPECT_EQ(one.count, 8U);
  EXPECT_EQ(one.opened_here, 20U) << "two open sites, one of them twice";
  EXPECT_EQ(one.closed_here, 8U);
  EXPECT_EQ(one.oldest_s, 5);
  EXPECT_EQ(one.median_s, 5) << "five of eight sockets lie in the group whose median it is";
  EXPECT_THAT(one.threads, ElementsAre("worker", "main"));
  ASSERT_THAT(one.peers, SizeIs(2));
  EXPECT_EQ(one.peers[0].address, "10.0.0.2");
  EXPECT_EQ(one.peers[1].count, 3U);
  EXPECT_THAT(one.sockets, SizeIs(6)) << "samples";
  ASSERT_THAT(one.sibling_closes, SizeIs(1));
  EXPECT_EQ(one.sibling_closes[0].samples, 8U);
  EXPECT_EQ(one.sibling_closes[0].share, 1);
}

TEST(SameLeak, WhatTellsLeaksApart) {
  const auto stay_two = [](auto change) {
    std::vector<LeakGroup> groups{leak(1, 1), leak(1, 1)};
    change(groups[1]);
    merge_same_leaks(groups, 100);
    return groups.size() == 2;
  };
  EXPECT_FALSE(stay_two([](LeakGroup&) {}));
  EXPECT_TRUE(stay_two([](LeakGroup& group) { group.verdict = Verdict::error_not_closed; }));
  EXPECT_TRUE(stay_two([](LeakGroup& group) { group.severity = Severity::info; }));
  EXPECT_TRUE(stay_two([](LeakGroup& group) { group.error = "ECONNRESET"; }));
  EXPECT_TRUE(stay_two([](LeakGroup& group) { group.operation = "read"; }));
  EXPECT_TRUE(stay_two([](LeakGroup& group) { group.fingerprint = "1"; }));
  EXPECT_TRUE(stay_two([](LeakGroup& group) { group.open_stack[0].line = 8; }))
      << "another line of the function";
  EXPECT_TRUE(stay_two([](LeakGroup& group) { group.sighting_stack[0].line = 8; }));
}

TEST(SameLeak, WithoutNamesTheAddressesTell) {
  const auto stripped = [](std::uint64_t offset) {
    LeakGroup made = leak(1, 1);
    for (Frame& each : made.open_stack) each = {};
    made.open_stack[0].module = "/srv/server";
    made.open_stack[0].offset = offset;
    return made;
  };
  std::vector<LeakGroup> groups{stripped(1), stripped(2), stripped(1)};
  merge_same_leaks(groups, 100);
  EXPECT_THAT(groups, SizeIs(2));
}

}  // namespace
}  // namespace socktrack
