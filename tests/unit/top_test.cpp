// The model of `socktrack top` by its keys, and its rows by what stands in them: no terminal here.
#include "cli/top_model.h"

#include <gmock/gmock.h>

#include "cli/top_screen.h"

namespace socktrack {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::vector<Frame> stack_of(const std::string& function, const std::string& module) {
  Frame frame;
  frame.module = module;
  frame.function = function;
  frame.file = "/src/" + function + ".c";
  frame.line = 7;
  return {frame};
}

LeakGroup group_of(const std::string& function, std::uint64_t count, double per_minute, double oldest_s) {
  LeakGroup group;
  group.fingerprint = "fp-" + function;
  group.verdict = Verdict::eof_not_closed;
  group.severity = Severity::leak;
  group.count = count;
  group.per_minute = per_minute;
  group.oldest_s = oldest_s;
  group.open_stack = stack_of(function, "/usr/bin/server");
  group.sighting_stack = stack_of("read_" + function, "/usr/bin/server");
  group.operation = "recv";
  group.hint = "close it";
  SocketFacts socket;
  socket.fd = 9;
  socket.local = "127.0.0.1:80";
  socket.peer = "10.1.2.3:999";
  socket.state = "CLOSE_WAIT";
  group.sockets = {socket};
  return group;
}

ProcessReport process_of(int pid, const std::string& program, std::vector<LeakGroup> groups) {
  ProcessReport process;
  process.pid = pid;
  process.exe = "/usr/bin/" + program;
  process.recording = program + ".socktrack";
  process.running = true;
  process.fds_open = 512;
  process.fds_limit = 1024;
  process.live = 40;
  process.mitigated = 3;
  for (const LeakGroup& group : groups) process.leaked += group.count;
  process.groups = std::move(groups);
  return process;
}

Report three_processes() {
  Report report;
  report.processes.push_back(process_of(30, "quiet", {}));
  report.processes.push_back(
      process_of(10, "server", {group_of("accept_it", 20, 1.5, 300), group_of("dial", 3, 9, 9000)}));
  report.processes.push_back(process_of(20, "batch", {group_of("fetch", 5, 0, 60)}));
  report.processes[2].fds_open = 1000;
  return report;
}

class Top : public testing::Test {
 protected:
  Top() : model_({"finish", "park"}) { take(three_processes()); }

  void take(Report report) { model_.take(std::make_shared<const Report>(std::move(report)), "12:00:00"); }
  std::optional<TopOrder> press(TopKey key) { return model_.press({key}); }
  std::optional<TopOrder> type(const std::string& text) {
    std::optional<TopOrder> last;
    for (const char c : text) last = model_.press({TopKey::character, c});
    return last;
  }
  std::vector<int> pids() const {
    std::vector<int> found;
    for (const TopItem& item : model_.items()) found.push_back(item.process->pid);
    return found;
  }
  std::vector<std::string> rows(std::size_t width = 80, std::size_t height = 24) {
    std::vector<std::string> texts;
    for (const TopRow& row : top_screen(model_, width, height)) texts.push_back(row.text);
    return texts;
  }
  std::string screen() {
    std::string all;
    for (const std::string& row : rows()) all += row + '\n';
    return all;
  }

  TopModel model_;
};

TEST_F(Top, ListsProcessesByLeaks) {
  EXPECT_THAT(pids(), ElementsAre(10, 20, 30));
  const std::vector<std::string> shown = rows();
  ASSERT_EQ(shown.size(), 24U);
  EXPECT_EQ(shown[0], "socktrack top  12:00:00  3 processes, 28 leaked sockets in 3 sites");
  EXPECT_THAT(shown[2], StartsWith("    PID PROGRAM"));
  EXPECT_THAT(shown[3], AllOf(StartsWith(">    10 server"), HasSubstr("512/1024 50%"), HasSubstr(" 40 "),
                              HasSubstr(" 23 "), HasSubstr(" 3 "), HasSubstr("10.5"), HasSubstr("2h")));
  EXPECT_THAT(shown[23], HasSubstr("q:quit"));
}

TEST_F(Top, ColumnsStandUnderTheirNames) {
  const std::vector<std::string> shown = rows();
  const auto end_of = [&](std::size_t row, const std::string& text) {
    return shown[row].find(text) + text.size();
  };
  EXPECT_EQ(end_of(2, "PID"), end_of(3, "10"));
  EXPECT_EQ(end_of(2, "LIVE"), end_of(3, " 40"));
  EXPECT_EQ(end_of(2, "LEAKED"), end_of(3, " 23"));
  EXPECT_EQ(end_of(2, "MITIG"), end_of(3, " 3"));
  EXPECT_EQ(end_of(2, "RATE"), end_of(3, "10.5"));
  EXPECT_EQ(end_of(2, "OLDEST"), end_of(3, "2h"));
}

TEST_F(Top, NothingIsWiderOrHigherThanTheScreen) {
  for (const char* keys : {"", "g", "?"}) {
    type(keys);
    for (const auto& [width, height] : {std::pair<std::size_t, std::size_t>{80, 24}, {132, 50}, {40, 6}}) {
      const std::vector<std::string> shown = rows(width, height);
      EXPECT_EQ(shown.size(), height);
      for (const std::string& row : shown) EXPECT_LE(row.size(), width) << row;
    }
  }
  EXPECT_THAT(rows(39, 24), ElementsAre("39x24 is too small"));
  EXPECT_THAT(rows(80, 3), ElementsAre("80x3 is too small"));
}

TEST_F(Top, HelpFitsEightyByTwentyFourUncut) {
  type("?");
  const std::vector<std::string> shown = rows(80, 24), wider = rows(200, 24);
  for (std::size_t i = 0; i < shown.size(); i++) {
    EXPECT_EQ(wider[i].find_first_not_of(' ', shown[i].size()), std::string::npos) << wider[i];
  }
  EXPECT_THAT(screen(), AllOf(HasSubstr("been dead\n"), HasSubstr("quit\n")));
  type("x");
  EXPECT_FALSE(model_.shows_help());
  EXPECT_THAT(pids(), ElementsAre(10, 20, 30)) << "the key that ends the help does nothing else";
}

TEST_F(Top, SortsByEveryColumn) {
  type("s");
  EXPECT_EQ(model_.sort(), TopSort::descriptors);
  EXPECT_EQ(pids().front(), 20);
  type("ss");
  EXPECT_EQ(model_.sort(), TopSort::rate);
  EXPECT_EQ(pids().front(), 10);
  type("ss");
  EXPECT_EQ(model_.sort(), TopSort::name);
  EXPECT_THAT(pids(), ElementsAre(20, 30, 10));
  type("r");
  EXPECT_THAT(pids(), ElementsAre(10, 30, 20));
  type("rs");
  EXPECT_EQ(model_.sort(), TopSort::leaked);
  type("S");
  EXPECT_EQ(model_.sort(), TopSort::name);
}

TEST_F(Top, SelectionStaysWithItsProcess) {
  press(TopKey::down);
  EXPECT_EQ(model_.items()[model_.selected()].process->pid, 20);
  Report later = three_processes();
  later.processes[0].leaked = 1000;  // "quiet" comes first now
  take(later);
  EXPECT_THAT(pids(), ElementsAre(30, 10, 20));
  EXPECT_EQ(model_.items()[model_.selected()].process->pid, 20);
  later.processes.pop_back();  // and 20 is gone
  take(later);
  EXPECT_EQ(model_.selected(), 1U);
  take({});
  EXPECT_EQ(model_.selected(), 0U);
  press(TopKey::in);
  press(TopKey::down);
  EXPECT_THAT(screen(), HasSubstr("no process that records"));
}

TEST_F(Top, MovesWithinTheList) {
  press(TopKey::up);
  EXPECT_EQ(model_.selected(), 0U);
  press(TopKey::end);
  EXPECT_EQ(model_.selected(), 2U);
  press(TopKey::page_down);
  EXPECT_EQ(model_.selected(), 2U);
  press(TopKey::home);
  type("jjjk");
  EXPECT_EQ(model_.selected(), 1U);
}

TEST_F(Top, LongListsScroll) {
  Report many;
  for (int pid = 1; pid <= 100; ++pid)
    many.processes.push_back(process_of(pid, "p" + std::to_string(pid), {}));
  take(many);
  press(TopKey::end);
  EXPECT_EQ(model_.selected(), 99U);
  const std::vector<std::string> shown = rows();
  EXPECT_THAT(shown[22], StartsWith(">   100 p100"));
  EXPECT_THAT(shown[3], HasSubstr("81 p81"));
}

TEST_F(Top, DrillsDownToStacksAndSockets) {
  press(TopKey::in);
  EXPECT_EQ(model_.view(), TopView::groups);
  ASSERT_EQ(model_.items().size(), 2U);
  EXPECT_THAT(screen(), AllOf(HasSubstr("groups of server 10"), HasSubstr("accept_it (accept_it.c:7)"),
                              HasSubstr("eof_not_closed"), Not(HasSubstr("fetch"))));
  press(TopKey::down);
  press(TopKey::in);
  EXPECT_EQ(model_.view(), TopView::group);
  EXPECT_THAT(screen(),
              AllOf(HasSubstr("fingerprint fp-dial"), HasSubstr("opened at\n  #0  dial"),
                    HasSubstr("end of stream seen by recv at\n  #0  read_dial"), HasSubstr("hint: close it"),
                    HasSubstr("fd 9     127.0.0.1:80 <- 10.1.2.3:999  CLOSE_WAIT")));
  press(TopKey::out);
  EXPECT_EQ(model_.items()[model_.selected()].group->fingerprint, "fp-dial") << "where one came from";
  press(TopKey::back);
  EXPECT_EQ(model_.view(), TopView::processes);
  EXPECT_EQ(model_.items()[model_.selected()].process->pid, 10);
}

TEST_F(Top, ATextStopsAtItsEnd) {
  type("g");
  press(TopKey::in);
  rows(80, 10);
  press(TopKey::end);
  const std::vector<std::string> shown = rows(80, 10);
  EXPECT_THAT(shown[8], HasSubstr("10.1.2.3:999")) << "its last line is the last one seen";
  press(TopKey::page_down);
  EXPECT_EQ(rows(80, 10), shown);
}

TEST_F(Top, GroupsOfAllProcesses) {
  type("g");
  std::vector<std::string> fingerprints;
  for (const TopItem& item : model_.items()) fingerprints.push_back(item.group->fingerprint);
  EXPECT_THAT(fingerprints, ElementsAre("fp-accept_it", "fp-fetch", "fp-dial"));
  type("ssss");  // by age
  EXPECT_EQ(model_.items().front().group->fingerprint, "fp-dial");
  type("g");
  EXPECT_EQ(model_.view(), TopView::processes);
}

TEST_F(Top, WhatEndsWhileItIsLookedAt) {
  press(TopKey::in);
  press(TopKey::in);
  Report later = three_processes();
  later.processes[1].running = false;
  later.processes[1].exit_status = 3;
  take(later);
  EXPECT_THAT(screen(), HasSubstr("server 10 exit 3"));
  type("m");
  EXPECT_EQ(model_.message(), "the process has ended");
  later.processes[1].groups.clear();
  take(later);
  EXPECT_THAT(screen(), HasSubstr("it is gone: its sockets were closed"));
  later.processes.erase(later.processes.begin() + 1);
  take(later);
  EXPECT_THAT(screen(), HasSubstr("the process is gone"));
  press(TopKey::back);
  press(TopKey::back);
  EXPECT_THAT(pids(), ElementsAre(20, 30));
}

TEST_F(Top, FiltersByAnyText) {
  type("/FETCH");
  EXPECT_EQ(model_.question(), "filter: FETCH_");
  EXPECT_THAT(pids(), ElementsAre(20)) << "while it is typed, whatever the case";
  press(TopKey::in);
  EXPECT_EQ(model_.question(), "");
  EXPECT_THAT(screen(), HasSubstr("only with 'FETCH'"));
  type("/x");
  EXPECT_THAT(pids(), IsEmpty());
  EXPECT_THAT(screen(), HasSubstr("nothing has 'FETCHx'"));
  press(TopKey::back);
  EXPECT_EQ(model_.filter(), "FETCH") << "as it was before";
  press(TopKey::back);
  EXPECT_THAT(pids(), ElementsAre(10, 20, 30));
  type("/10.1.2.3q");
  press(TopKey::erase);
  EXPECT_FALSE(model_.quits()) << "a letter in a filter is no command";
  EXPECT_THAT(pids(), ElementsAre(10, 20)) << "by address";
}

TEST_F(Top, PauseKeepsTheScreenAndEndsWithTheLatest) {
  type("p");
  take({});
  EXPECT_THAT(pids(), ElementsAre(10, 20, 30));
  EXPECT_THAT(rows().back(), StartsWith("PAUSED"));
  type(" ");
  EXPECT_THAT(pids(), IsEmpty());
}

TEST_F(Top, MitigationAsksTwice) {
  EXPECT_FALSE(type("m"));
  EXPECT_THAT(model_.message(), HasSubstr("choose a group"));
  press(TopKey::in);
  EXPECT_FALSE(type("m"));
  EXPECT_THAT(model_.question(), HasSubstr("1 finish, 2 park"));
  take({});
  EXPECT_FALSE(model_.items().empty()) << "nothing moves under a question";
  EXPECT_FALSE(type("2"));
  EXPECT_EQ(model_.question(), "park 20 sockets of process 10, fingerprint fp-accept_it? y/n");
  const auto order = type("y");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->process.pid, 10);
  EXPECT_EQ(order->group.fingerprint, "fp-accept_it");
  EXPECT_EQ(order->rung, "park");
  EXPECT_EQ(model_.question(), "");
}

TEST_F(Top, MitigationTakesNoForAnAnswer) {
  press(TopKey::in);
  for (const char* keys : {"m3", "mx", "m1n", "m1q", "m1 "}) EXPECT_FALSE(type(keys)) << keys;
  type("m1");
  EXPECT_FALSE(press(TopKey::in)) << "Enter is no yes";
  type("m");
  EXPECT_FALSE(press(TopKey::back));
  EXPECT_EQ(model_.question(), "");
  EXPECT_FALSE(model_.quits());
  TopModel without;
  without.press({TopKey::character, 'm'});
  EXPECT_EQ(without.message(), "mitigation is not offered here");
}

TEST_F(Top, NamesOfProgramsDoNoHarm) {
  Report report;
  report.processes.push_back(process_of(1, "e\x1b[2Jvil", {group_of("f\x1b]0;x", 1, 0, 1)}));
  take(report);
  for (const char* keys : {"", "g"}) {
    type(keys);
    EXPECT_THAT(screen(), Not(HasSubstr("\x1b")));
  }
  press(TopKey::in);
  EXPECT_THAT(screen(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(top_once(report, "x\n"), Not(HasSubstr("\x1b")));
}

TEST_F(Top, CutsBetweenCharacters) {
  EXPECT_EQ(cut_to("größer", 3), "grö");
  EXPECT_EQ(cut_to("größer", 9), "größer");
  EXPECT_EQ(cut_to("\xff\xfe", 1), "\xff");
}

TEST_F(Top, OnceHasBothListsWhole) {
  EXPECT_EQ(top_once(three_processes(), "12:00:00"),
            "socktrack top  12:00:00  3 processes, 28 leaked sockets in 3 sites\n"
            "    PID PROGRAM                  FDS   LIVE LEAKED  MITIG   RATE OLDEST\n"
            "     10 server          512/1024 50%     40     23      3   10.5     2h\n"
            "     20 batch          1000/1024 97%     40      5      3      -    60s\n"
            "     30 quiet           512/1024 50%     40      0      3      -      -\n"
            "\n"
            "  COUNT   RATE OLDEST VERDICT          PROCESS              OPENED AT\n"
            "     20    1.5     5m eof_not_closed   server 10            accept_it (accept_it.c:7)\n"
            "      5      -    60s eof_not_closed   batch 20             fetch (fetch.c:7)\n"
            "      3    9.0     2h eof_not_closed   server 10            dial (dial.c:7)\n");
  EXPECT_THAT(top_once({}, "12:00:00"), HasSubstr("0 processes, 0 leaked sockets in 0 sites"));
}

}  // namespace
}  // namespace socktrack
