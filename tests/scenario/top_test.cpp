// `socktrack top` in a real terminal (tmux), on a real leak.
#include <gmock/gmock.h>

#include <csignal>

#include "harness/terminal.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class TopInTerminal : public testing::Test {
 protected:
  void SetUp() override {
    if (find_program("tmux").empty()) GTEST_SKIP() << "tmux is not installed";
    if (!sanitizer().empty()) GTEST_SKIP() << "a sanitizer build is too slow for a screen";
    hold_ = std::make_unique<Process>(Arguments{program("hold"), "3"},
                                      preload_environment(directory_, {{"SOCKTRACK_GRACE", "200ms"}}));
    ASSERT_THAT(hold_->line(), HasSubstr("ready"));
  }
  void TearDown() override {
    if (hold_ != nullptr) hold_->finish();
  }
  std::string pid() const { return std::to_string(hold_->pid()); }
  // The shell stays, and tells how it ended.
  std::string top(const std::string& options = "") const {
    return "sh -c '" + command() + " top --interval 100ms " + options + " " + pid() +
           "; echo ended with $?; read line'";
  }

  TempDir directory_;
  std::unique_ptr<Process> hold_;
};

TEST_F(TopInTerminal, FromTheProcessToTheSocketAndBack) {
  const Terminal terminal(top(), 80, 24);
  ASSERT_TRUE(terminal.shows("1 process, 3 leaked sockets in 1 site")) << terminal.screen();
  EXPECT_THAT(terminal.screen(), AllOf(HasSubstr(pid() + " hold"), HasSubstr("?:keys")));
  hold_->say("leak\n");
  ASSERT_EQ(hold_->line(), "leaked");
  EXPECT_TRUE(terminal.shows("4 leaked sockets")) << "live";
  terminal.keys("Enter");
  ASSERT_TRUE(terminal.shows("accept_client (loopback.h:")) << terminal.screen();
  terminal.keys("Enter");
  ASSERT_TRUE(terminal.shows("opened at")) << terminal.screen();
  EXPECT_THAT(terminal.screen(), AllOf(HasSubstr("accept_client"), HasSubstr("leak_one"),
                                       HasSubstr("seen by recv in thread hold at")));
  terminal.keys("End");
  EXPECT_TRUE(terminal.shows("CLOSE_WAIT, 0 unread")) << terminal.screen();
  terminal.keys("Escape");
  EXPECT_TRUE(terminal.shows("groups of hold"));
  terminal.keys("Left");
  EXPECT_TRUE(terminal.shows("processes by leaked"));
  terminal.keys("?");
  EXPECT_TRUE(terminal.shows("PgUp PgDn"));
  terminal.keys("x s");
  EXPECT_TRUE(terminal.shows("processes by descriptors"));
  terminal.keys("/ z z");
  EXPECT_TRUE(terminal.shows("nothing has 'zz'"));
  terminal.keys("BSpace BSpace Enter p");
  EXPECT_TRUE(terminal.shows("PAUSED"));
  terminal.keys("q");
  EXPECT_TRUE(terminal.shows("ended with 0"));
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("PAUSED"))) << "the terminal is as it was";
}

TEST_F(TopInTerminal, ASocketIsFinishedOnlyAfterYes) {
  const Terminal terminal(top(), 80, 24);
  ASSERT_TRUE(terminal.shows("3 leaked sockets"));
  terminal.keys("Enter m");
  ASSERT_TRUE(terminal.shows("what is to be done?")) << terminal.screen();
  terminal.keys("1");
  ASSERT_TRUE(terminal.shows("y/n")) << terminal.screen();
  terminal.keys("n m 1");
  ASSERT_TRUE(terminal.shows("finish now 3 sockets of process " + pid())) << terminal.screen();
  terminal.keys("y");
  EXPECT_TRUE(terminal.shows("finish: 3 of 3 sockets shut down")) << terminal.screen();
}

TEST_F(TopInTerminal, ARungIsOrderedFromTheLibrary) {
  const auto in_force = [&] { return run({command(), "mitigate", pid()}, base_environment()).out; };
  ASSERT_THAT(in_force(), HasSubstr("observe"));
  const Terminal terminal(top(), 80, 24);
  ASSERT_TRUE(terminal.shows("3 leaked sockets"));
  terminal.keys("Enter m 4");
  ASSERT_TRUE(terminal.shows("park 3 sockets of process " + pid())) << terminal.screen();
  EXPECT_THAT(in_force(), HasSubstr("observe")) << "nothing before yes";
  terminal.keys("y");
  EXPECT_TRUE(terminal.shows("park from now on")) << terminal.screen();
  EXPECT_THAT(in_force(), HasSubstr("park groups "));
}

TEST_F(TopInTerminal, ANewSizeIsFilled) {
  const Terminal terminal(top(), 80, 24);
  ASSERT_TRUE(terminal.shows("3 leaked sockets"));
  terminal.resize(120, 40);
  EXPECT_TRUE(eventually([&] {
    const std::string text = terminal.screen();
    return std::count(text.begin(), text.end(), '\n') == 40 && text.rfind("q:quit") > text.size() - 40;
  })) << terminal.screen();
  terminal.resize(30, 10);
  EXPECT_TRUE(terminal.shows("30x10 is too small"));
  terminal.resize(80, 24);
  EXPECT_TRUE(terminal.shows("3 leaked sockets"));
}

TEST_F(TopInTerminal, AProcessThatEndsStaysInView) {
  const Terminal terminal(top(), 80, 24);
  ASSERT_TRUE(terminal.shows("3 leaked sockets"));
  hold_->send_signal(SIGTERM);
  EXPECT_TRUE(terminal.shows("exit 7")) << terminal.screen();
  terminal.keys("Enter Enter");
  EXPECT_TRUE(terminal.shows("opened at"));
  terminal.keys("q");
  EXPECT_TRUE(terminal.shows("ended with 0"));
  hold_->wait();
  hold_ = nullptr;
}

TEST_F(TopInTerminal, InterruptedItRestoresTheTerminal) {
  const Terminal terminal(top(), 80, 24);
  ASSERT_TRUE(terminal.shows("3 leaked sockets"));
  terminal.keys("C-c");
  // The shell is interrupted with it; what stays is the pane, or nothing.
  EXPECT_TRUE(terminal.shows_no_more("3 leaked sockets"));
}

TEST_F(TopInTerminal, ColoursOnlyWhereTheyAreWanted) {
  constexpr const char* red = "\033[31m";
  const Terminal coloured(top(), 80, 24);
  ASSERT_TRUE(coloured.shows("3 leaked sockets"));
  coloured.keys("g");  // the only line is the selected one: the second line tells
  ASSERT_TRUE(coloured.shows("groups of all"));
  EXPECT_THAT(coloured.painted(), HasSubstr("\033[36m"));
  for (const char* without : {"NO_COLOR=1", "TERM=vt100"}) {
    const Terminal plain(top(), 80, 24, without);
    ASSERT_TRUE(plain.shows("3 leaked sockets")) << without << plain.screen();
    EXPECT_THAT(plain.painted(), AllOf(Not(HasSubstr(red)), Not(HasSubstr("\033[36m")))) << without;
    plain.keys("g Enter");
    EXPECT_TRUE(plain.shows("opened at")) << without;
  }
}

TEST_F(TopInTerminal, ATerminalThatOnlyPrintsGetsLines) {
  const Terminal terminal(top(), 80, 24, "TERM=dumb");
  EXPECT_TRUE(terminal.shows("eof_not_closed")) << terminal.screen();
  EXPECT_THAT(terminal.painted(), Not(HasSubstr("\033[")));
}

TEST_F(TopInTerminal, OnceAndJsonForScripts) {
  const auto once = [&](const std::string& option) {
    return run({command(), "top", option, pid()}, base_environment());
  };
  EXPECT_TRUE(
      eventually([&] { return once("--once").out.find("3 leaked sockets in 1 site") != std::string::npos; }));
  EXPECT_THAT(once("--once").out, AllOf(HasSubstr("eof_not_closed"), Not(HasSubstr("\033"))));
  const Json process = process_of(parse_report(once("--json").out), "hold");
  EXPECT_EQ(process.at("pid"), hold_->pid());
  EXPECT_EQ(leaked(process), 3U);
  const Outcome all = run({command(), "top", "--once"}, base_environment());
  EXPECT_THAT(all.out, HasSubstr(pid() + " hold")) << "wherever the recording lies";
  const Outcome none = run({command(), "top", "--once", std::to_string(getpid())}, base_environment());
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("does not have the library"));
  EXPECT_EQ(run({command(), "top", "--interval", "soon"}, base_environment()).status, 2);
  EXPECT_EQ(run({command(), "top", "2147483646"}, base_environment()).status, 1);
}

}  // namespace
}  // namespace scenario
