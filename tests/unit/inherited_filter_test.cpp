#include "watch/inherited_filter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

namespace socktrack {
namespace {

StatusFacts parsed(const std::string& text, std::size_t piece, std::size_t room) {
  StatusReader reader;
  std::string buffer(room, '\0');
  std::size_t kept = 0;
  for (std::size_t at = 0; at < text.size() && !reader.is_complete();) {
    const std::size_t size = std::min({piece, text.size() - at, room - kept});
    std::memcpy(buffer.data() + kept, text.data() + at, size);
    at += size;
    kept = reader.take(buffer.data(), kept + size, room);
  }
  return reader.facts();
}

std::string status(const std::string& groups, const std::string& end) {
  return "Name:\tPPid:\\n7\nUmask:\t0022\nState:\tR (running)\nTgid:\t12\nNgid:\t0\nPid:\t12\nPPid:\t11\n"
         "TracerPid:\t99\nFDSize:\t256\nGroups:\t" +
         groups + "\nNoNewPrivs:\t1\nSpeculation_Store_Bypass:\tvulnerable\n" + end;
}

TEST(StatusReader, ReadsInAnyPieces) {
  std::string many;
  for (int i = 0; i < 2000; i++) many += "65534 ";
  for (const std::string& groups : {std::string("0 1"), many}) {
    const std::string text = status(groups, "Seccomp:\t2\nSeccomp_filters:\t3\nThreads:\t1\n");
    for (const std::size_t piece : {1U, 2U, 7U, 64U, 4096U}) {
      const StatusFacts facts = parsed(text, piece, 64);
      EXPECT_EQ(facts.pid, 12U) << piece;
      EXPECT_EQ(facts.parent, 11U) << piece;
      EXPECT_EQ(facts.numbers, 256U) << piece;
      EXPECT_EQ(facts.filters, 3U) << piece;
      EXPECT_TRUE(facts.gave_up_privileges) << piece;
    }
  }
}

TEST(StatusReader, TakesOneWhereTheyAreNotCounted) {
  EXPECT_EQ(parsed(status("", "Seccomp:\t2\nThreads:\t1\n"), 4096, 4096).filters, 1U);
  EXPECT_EQ(parsed(status("", "Seccomp:\t0\nSeccomp_filters:\t0\n"), 4096, 4096).filters, 0U);
  EXPECT_EQ(parsed(status("", ""), 4096, 4096).filters, 0U) << "a kernel that has none";
  EXPECT_EQ(parsed("", 1, 64).pid, 0U);
}

std::map<std::uint32_t, StatusFacts> g_processes;

StatusFacts read(std::uint32_t pid) {
  const auto found = g_processes.find(pid);
  return found == g_processes.end() ? StatusFacts{} : found->second;
}

// Of the last one, whose parent is the one before it, and so on.
FilterOrigin origin(std::initializer_list<std::uint32_t> filters, std::uint32_t oldest_parent,
                    FilterAuthority authority = {}) {
  g_processes.clear();
  std::uint32_t pid = 10;
  std::uint32_t parent = oldest_parent;
  for (const std::uint32_t count : filters) {
    g_processes[pid] = {pid, parent, count, 64, false};
    parent = pid++;
  }
  return origin_of_filter(g_processes[pid - 1], authority, read);
}

bool is_trusted_with(FilterOrigin origin, const std::string& mark) {
  return is_trusted(origin, [&](const char* path) { return path == mark; });
}

TEST(FilterOrigin, IsTheContainerWhereAllHaveIt) {
  EXPECT_EQ(origin({0, 0}, 0), FilterOrigin::none);
  EXPECT_EQ(origin({1}, 0), FilterOrigin::container) << "its first process, or one that was sent in";
  EXPECT_EQ(origin({1, 1, 1}, 0), FilterOrigin::container);
}

TEST(FilterOrigin, IsNoContainersWhereAllHaveMoreThanOne) {
  EXPECT_EQ(origin({2}, 0), FilterOrigin::launcher) << "the second may be of its first program, or of a jail";
  EXPECT_EQ(origin({2, 2}, 0), FilterOrigin::launcher);
}

TEST(FilterOrigin, IsAPodsAtMostWhereTheFirstGaveUpPrivileges) {
  g_processes = {{1, {1, 0, 1, 64, true}},
                 {2, {2, 1, 1, 64, true}},
                 {3, {3, 0, 1, 64, false}},
                 {4, {4, 3, 1, 64, true}}};
  EXPECT_EQ(origin_of_filter(g_processes[2], {}, read), FilterOrigin::pod);
  EXPECT_EQ(origin_of_filter(g_processes[4], {}, read), FilterOrigin::container) << "one that did so later";
}

TEST(FilterOrigin, IsTrustedWithTheMarkOfAContainer) {
  for (const char* mark : {"/.dockerenv", "/run/.containerenv", "/run/systemd/container"}) {
    EXPECT_TRUE(is_trusted_with(FilterOrigin::container, mark)) << mark;
    EXPECT_FALSE(is_trusted_with(FilterOrigin::pod, mark)) << mark;
    EXPECT_FALSE(is_trusted_with(FilterOrigin::launcher, mark)) << mark;
    EXPECT_FALSE(is_trusted_with(FilterOrigin::untold, mark)) << mark;
  }
  EXPECT_TRUE(is_trusted_with(FilterOrigin::container, "/dev/termination-log"));
  EXPECT_TRUE(is_trusted_with(FilterOrigin::pod, "/dev/termination-log"));
  EXPECT_FALSE(is_trusted_with(FilterOrigin::container, "")) << "a jail";
  EXPECT_TRUE(is_trusted_with(FilterOrigin::surroundings, ""));
}

TEST(FilterOrigin, IsALauncherWhereSomebodyAboveHasFewer) {
  EXPECT_EQ(origin({0, 1}, 0), FilterOrigin::launcher);
  EXPECT_EQ(origin({1, 2}, 0), FilterOrigin::launcher) << "in a container";
  EXPECT_EQ(origin({0, 1, 1, 1}, 0), FilterOrigin::launcher) << "one that went on under it";
  EXPECT_EQ(origin({2, 1}, 0), FilterOrigin::launcher) << "or more: it may have had fewer then";
}

TEST(FilterOrigin, IsTheUnitWhereSystemdExecutedTheFirst) {
  EXPECT_EQ(origin({0, 4}, 0, {.unit = 11}), FilterOrigin::surroundings);
  EXPECT_EQ(origin({0, 4, 4}, 0, {.unit = 11}), FilterOrigin::surroundings) << "its child";
  EXPECT_EQ(origin({0, 4, 5}, 0, {.unit = 11}), FilterOrigin::launcher) << "its child, with one more";
  EXPECT_EQ(origin({0, 4}, 0, {.unit = 10}), FilterOrigin::launcher);
  EXPECT_EQ(origin({4}, 1, {.unit = 10}), FilterOrigin::surroundings) << "where others cannot be seen";
  EXPECT_EQ(origin({0, 1}, 0, {.unit = 11}), FilterOrigin::launcher) << "one: the unit's first program's";
  EXPECT_EQ(origin({1, 1}, 0, {.unit = 11}), FilterOrigin::container)
      << "... or the container's that systemd is in";
}

TEST(FilterOrigin, IsTheCommandsWhereItHasTheSame) {
  EXPECT_EQ(origin({0, 1, 1}, 0, {.root = 12}), FilterOrigin::surroundings);
  EXPECT_EQ(origin({0, 1, 1, 1}, 0, {.root = 12}), FilterOrigin::surroundings);
  EXPECT_EQ(origin({0, 0, 1}, 0, {.root = 12}), FilterOrigin::launcher);
}

TEST(FilterOrigin, IsUntoldWithoutProc) {
  EXPECT_EQ(origin_of_filter({}, {}, read), FilterOrigin::untold);
  EXPECT_EQ(origin({1}, 1), FilterOrigin::untold) << "the parent cannot be seen";
  g_processes = {{10, {10, 11, 1, 64, false}}, {11, {11, 10, 1, 64, false}}};
  EXPECT_EQ(origin_of_filter(g_processes[10], {}, read), FilterOrigin::untold)
      << "numbers taken anew: a circle";
}

}  // namespace
}  // namespace socktrack
