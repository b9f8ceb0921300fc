// Rules the user wrote: what they meet, what they are told when they are wrong or of no use.
#include "watch/suppressions.h"

#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "recording_fixture.h"

namespace socktrack {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Frame frame(const std::string& function, const std::string& module = "/usr/bin/server") {
  Frame made;
  made.function = function;
  made.module = module;
  return made;
}

SocketFacts socket(const std::string& local, const std::string& peer) {
  SocketFacts made;
  made.local = local;
  made.peer = peer;
  return made;
}

LeakGroup leak() {
  LeakGroup group;
  group.fingerprint = "0123456789abcdef";
  group.verdict = Verdict::eof_not_closed;
  group.severity = Severity::leak;
  group.count = 5;
  group.open_stack = {frame("accept4", "/lib/libc.so.6"),
                      frame("(anonymous namespace)::Pool::open(int, char)")};
  group.sighting_stack = {frame("read_reply"), frame("")};
  group.sockets = {socket("10.0.0.1:80", "10.0.0.2:5000"), socket("[::1]:80", "[fe80::2%3]:5001")};
  return group;
}

Report report_of(const LeakGroup& group) {
  Report report;
  report.processes.emplace_back();
  report.processes[0].groups = {group};
  report.processes[0].leaked = group.count;
  return report;
}

Report applied(const std::string& rules, const LeakGroup& group = leak()) {
  Suppressions suppressions;
  suppressions.add_rules(rules, "quiet.txt");
  Report report = report_of(group);
  suppressions.apply(report);
  return report;
}

bool suppresses(const std::string& rules, const LeakGroup& group = leak()) {
  return applied(rules, group).processes[0].groups.empty();
}

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches_glob("", ""));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("a*c", "abcbc"));
  EXPECT_TRUE(matches_glob("*b?", "abc"));
  EXPECT_TRUE(matches_glob("operator[]*", "operator[](int)")) << "brackets are themselves";
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_FALSE(matches_glob("a", ""));
  EXPECT_FALSE(matches_glob("a?", "a"));
  EXPECT_FALSE(matches_glob("a*c", "abcb"));
  EXPECT_FALSE(matches_glob("b", "abc")) << "the whole text";
  // Exponential if every star tried everything.
  EXPECT_FALSE(matches_glob("*a*a*a*a*a*a*a*a*a*a*a*b", std::string(4000, 'a')));
}

TEST(Suppressions, EachKey) {
  for (const char* rule :
       {"frame:read_reply", "frame:*Pool::*", "frame:\"*Pool::open(int, char)\"",
        "frame:\"(anonymous namespace)::Pool::open\"", "frame:accept?", "module:server", "module:/usr/bin/*",
        "verdict:eof_not_closed", "verdict:*_not_closed", "port:80", "fingerprint:0123*"}) {
    EXPECT_TRUE(suppresses(rule)) << rule;
  }
  for (const char* rule :
       {"frame:read", "frame:Pool::*", "module:serve", "module:bin/server", "verdict:fin_unread", "port:8",
        "port:5000", "peer:10.0.0.2", "peer:10.0.0.1", "fingerprint:123*"}) {
    EXPECT_FALSE(suppresses(rule)) << rule;
  }
}

TEST(Suppressions, PeersAndPortsHoldForEverySocketOrForNone) {
  LeakGroup group = leak();
  group.sockets.pop_back();
  EXPECT_TRUE(suppresses("peer:10.0.0.2", group));
  EXPECT_TRUE(suppresses("port:5000", group));
  group.sockets = {socket("[::1]:80", "[fe80::2%3]:5001")};
  EXPECT_TRUE(suppresses("peer:fe80::2*", group));
  group.sockets = {socket("[::ffff:10.0.0.9]:80", "[::ffff:10.0.0.2]:4000")};
  EXPECT_TRUE(suppresses("peer:10.0.0.2", group));
  EXPECT_TRUE(suppresses("peer:::ffff:10.0.0.2", group));
  EXPECT_FALSE(suppresses("peer:10.0.0.9", group));
  group.sockets = {socket("", "/run/database.sock")};
  EXPECT_TRUE(suppresses("peer:/run/*", group));
  EXPECT_FALSE(suppresses("port:8*", group));
  group.sockets.clear();
  EXPECT_FALSE(suppresses("peer:*", group)) << "nothing is known of them";
}

TEST(Suppressions, AllTermsOfALineAnyLineOfAFile) {
  EXPECT_TRUE(suppresses("frame:read_reply verdict:eof_not_closed"));
  EXPECT_FALSE(suppresses("frame:read_reply verdict:fin_unread"));
  EXPECT_TRUE(
      suppresses("# of the old client\r\n\r\n  frame:nothing\r\n\tframe:read_reply\t# ticket 12\r\n"));
  EXPECT_FALSE(suppresses("#frame:read_reply\n"));
  EXPECT_FALSE(suppresses(""));
}

TEST(Suppressions, WhatIsSuppressedIsCountedAndNoLeak) {
  const Report report = applied("\nframe:read_reply\nmodule:server\n");
  const ProcessReport& process = report.processes[0];
  EXPECT_EQ(process.leaked, 0U);
  ASSERT_THAT(process.suppressed, SizeIs(1));
  EXPECT_EQ(process.suppressed[0].group.count, 5U);
  EXPECT_EQ(process.suppressed[0].rule, "quiet.txt:2 (frame:read_reply)");
  EXPECT_THAT(report.notes, IsEmpty()) << "the other rule met it as well";
}

TEST(Suppressions, TheRestIsStillLeaked) {
  Report report = report_of(leak());
  LeakGroup other = leak();
  other.fingerprint = "fedcba9876543210";
  other.count = 2;
  report.processes[0].groups.push_back(other);
  report.processes[0].open_at_exit = {leak()};
  Suppressions suppressions;
  suppressions.add_ignored("0123*,,9999*");
  suppressions.apply(report);
  EXPECT_EQ(report.processes[0].leaked, 2U);
  EXPECT_THAT(report.processes[0].groups, SizeIs(1));
  EXPECT_THAT(report.processes[0].open_at_exit, IsEmpty());
  EXPECT_THAT(report.processes[0].suppressed, SizeIs(2));
  ASSERT_THAT(report.notes, SizeIs(1));
  EXPECT_EQ(report.notes[0].name, "unused_suppression");
  EXPECT_EQ(report.notes[0].what, "Nothing is suppressed by --ignore 9999*.");
}

std::string complaint(const std::function<void(Suppressions&)>& action) {
  Suppressions suppressions;
  try {
    action(suppressions);
  } catch (const SuppressionError& error) {
    return error.what();
  }
  return "";
}

TEST(Suppressions, ABadLineIsNamed) {
  const auto of = [](const std::string& line) {
    return complaint([&](Suppressions& s) { s.add_rules("frame:good\n" + line + "\n", "quiet.txt"); });
  };
  EXPECT_EQ(of("frmae:x"), "quiet.txt:2: 'frmae' is none of frame, module, verdict, peer, port, fingerprint");
  EXPECT_EQ(of("frame:x read_reply"), "quiet.txt:2: 'read_reply' is not of the form key:glob");
  EXPECT_EQ(of("frame:"), "quiet.txt:2: nothing stands after 'frame:'");
  EXPECT_EQ(of("verdict:leak"), "quiet.txt:2: no verdict is called 'leak'");
  EXPECT_EQ(of("port:http"), "quiet.txt:2: 'http' is no port");
  EXPECT_EQ(of("frame:\"x y"), "quiet.txt:2: a \" is not closed");
  EXPECT_EQ(of("\"\" frame:x"), "quiet.txt:2: '' is not of the form key:glob");
  EXPECT_THAT(of("\033[2J"), HasSubstr("'?[2J'")) << "nothing of it reaches the terminal";
}

TEST(Suppressions, AFileThatCannotBeRead) {
  const test::TemporaryDirectory directory;
  const auto of = [](const std::string& path) {
    return complaint([&](Suppressions& s) { s.add_file(path); });
  };
  EXPECT_THAT(of(directory.file("none")), HasSubstr("No such file"));
  EXPECT_THAT(of(directory.path()), HasSubstr("Is a directory"));
  std::ofstream(directory.file("big")) << std::string(2UL * 1024 * 1024, '#');
  EXPECT_THAT(of(directory.file("big")), HasSubstr("File too large"));
  std::ofstream(directory.file("last")) << "frame:x\nbad";
  EXPECT_EQ(of(directory.file("last")), directory.file("last") + ":2: 'bad' is not of the form key:glob");
}

}  // namespace
}  // namespace socktrack
