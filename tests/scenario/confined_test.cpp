// Programs that confine themselves, or leave their terminal, their numbers or their user behind: they do
// under the library what they do without, and the recording says what it can.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

struct Step {
  const char* name;
  std::uint64_t opened;
  std::uint64_t leaked;
  const char* blind_spot;  // "" = none asked for
};

void PrintTo(const Step& step, std::ostream* out) { *out << step.name; }

std::vector<std::string> blind_spots(const Json& process) {
  std::vector<std::string> names;
  for (const Json& each : process.at("blind_spots")) names.push_back(each.at("name"));
  return names;
}

void expect_facts(const Json& report, const Step& step) {
  const Json process = process_of(report, "/confine");
  EXPECT_EQ(opened(process), step.opened) << process.dump(1);
  EXPECT_EQ(leaked(process), step.leaked) << process.dump(1);
  if (step.blind_spot[0] != '\0') {
    EXPECT_THAT(blind_spots(process), Contains(step.blind_spot));
  }
}

class Confined : public testing::TestWithParam<Step> {
 protected:
  void SetUp() override {
    if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
    bare_ = run({program("confine"), GetParam().name});
    if (bare_.out.find("= -1, errno 1\n") != std::string::npos)
      GTEST_SKIP() << "not allowed here: " << bare_.out;
    ASSERT_EQ(bare_.status, 0) << bare_.err;
  }
  Outcome bare_;
};

TEST_P(Confined, IsTheSameUnderTheCommand) {
  const Tracked tracked = track({"--grace", "0"}, {program("confine"), GetParam().name});
  EXPECT_EQ(tracked.outcome.out, bare_.out);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  expect_facts(tracked.report, GetParam());
}

// Here the scribe writes from within.
TEST_P(Confined, IsTheSameUnderTheLibraryAlone) {
  const TempDir directory;
  const Environment environment = preload_environment(
      directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_JSON", directory / "report.json"}});
  const Outcome outcome = run({program("confine"), GetParam().name}, environment);
  EXPECT_EQ(outcome.out, bare_.out);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  expect_facts(report_of(directory / "recordings"), GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Steps, Confined,
    testing::Values(Step{"asked", 22, 5, ""}, Step{"docker", 22, 5, ""}, Step{"service", 22, 5, ""},
                    Step{"strict", 7, 0, "sandboxed"}, Step{"strict_tsync", 7, 0, "sandboxed"},
                    Step{"options", 7, 0, "sandboxed"}, Step{"newuser", 22, 5, ""},
                    Step{"newuser_raw", 22, 5, ""}, Step{"newns", 22, 5, ""}, Step{"newpid", 22, 5, ""},
                    Step{"newnet", 7, 3, ""}, Step{"setns", 22, 5, ""}, Step{"nobody", 22, 5, ""},
                    Step{"chroot", 22, 5, ""}, Step{"clearenv", 22, 5, ""}, Step{"loop", 22, 2, ""},
                    Step{"close_range", 22, 2, ""}, Step{"cloexec", 22, 5, ""}, Step{"own_table", 22, 2, ""},
                    Step{"split", 25, 5, ""}, Step{"unshare_files", 25, 5, ""}, Step{"closefrom", 22, 2, ""}),
    [](const auto& each) { return std::string(each.param.name); });

// The reason is said where the program's own errors are read.
TEST(ConfinedProgram, IsToldWhyItsRecordingEnds) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  const TempDir directory;
  const Outcome outcome = run({program("confine"), "strict"}, preload_environment(directory));
  EXPECT_THAT(outcome.err, HasSubstr("seccomp filter"));
}

// systemd and Docker install theirs before anything begins. A call they kill for would end the program.
TEST(ConfinedProgram, IsTrackedBehindAFilterThatAllOfItsContainerHas) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  for (const char* filter : {"service", "docker"}) {
    const Arguments command{program("behind_filter"), filter, "in_container", program("confine"), "docker"};
    const Outcome bare = run(command);
    if (bare.status == 77) GTEST_SKIP() << "no containers are allowed here";
    const TempDir directory;
    const Outcome preloaded = run(command, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
    EXPECT_EQ(preloaded.out, bare.out);
    EXPECT_EQ(preloaded.status, 0) << preloaded.err;
    EXPECT_THAT(preloaded.err, HasSubstr("5 leaked sockets"));
  }
}

// systemd says whom it executed, and installs several.
TEST(ConfinedProgram, IsTrackedAsAUnitWithAFilter) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  for (const char* filter : {"service+docker", "docker+service"}) {
    const TempDir directory;
    const std::string unit = "SYSTEMD_EXEC_PID=$$ exec " + program("behind_filter") + " " + filter;
    const Environment environment = preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}});
    for (const char* where : {" ", " in_child "}) {
      const Outcome outcome =
          run({"/bin/sh", "-c", unit + where + program("confine") + " docker"}, environment);
      EXPECT_EQ(outcome.status, 0) << outcome.err;
      EXPECT_THAT(outcome.err, HasSubstr("5 leaked sockets"));
    }
  }
}

// Nobody knows what a launcher's filter does at a call that the program itself does not make.
class BehindALaunchersFilter : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
    bare_ = run(command_);
    ASSERT_THAT(bare_.status, testing::AnyOf(5, 0)) << bare_.err;
  }
  const Arguments command_{program("behind_filter"), "launcher", program("every_way"), GetParam()};
  Outcome bare_;
};

TEST_P(BehindALaunchersFilter, NoCallIsMade) {
  const TempDir directory;
  const Outcome outcome = run(command_, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
  EXPECT_EQ(outcome.out, bare_.out);
  EXPECT_EQ(outcome.status, bare_.status) << outcome.err;
}

TEST_P(BehindALaunchersFilter, NoCallIsMadeUnderTheCommand) {
  const Tracked tracked = track({"--grace", "0"}, command_);
  EXPECT_EQ(tracked.outcome.out, bare_.out);
  EXPECT_EQ(tracked.outcome.status, bare_.status) << tracked.outcome.err;
}

INSTANTIATE_TEST_SUITE_P(Ends, BehindALaunchersFilter,
                         testing::Values("exit", "_exit", "quick_exit", "pthread_exit", "exec"),
                         [](const auto& each) { return std::string(each.param); });

bool is_marked_as_container() {
  const auto marks = {"/dev/termination-log", "/.dockerenv", "/run/.containerenv", "/run/systemd/container"};
  return std::any_of(marks.begin(), marks.end(),
                     [](const char* mark) { return std::filesystem::exists(mark); });
}

// Not all that look like a container's or a unit's are theirs.
TEST(ConfinedProgram, IsLeftAloneInAJailThatKills) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  for (const char* way : {"in_jail", "in_plain_jail"}) {
    if (way == std::string("in_plain_jail") && is_marked_as_container()) continue;  // and so is the jail
    const Arguments command{program("behind_filter"), "launcher", way, program("every_way"), "exit"};
    const Outcome bare = run(command);
    if (bare.status == 77) GTEST_SKIP() << "no PID namespaces are allowed here";
    const TempDir directory;
    const Outcome outcome = run(command, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
    EXPECT_EQ(outcome.out, bare.out) << way;
    EXPECT_EQ(outcome.status, bare.status) << way << outcome.err;
  }
}

TEST(ConfinedProgram, IsLeftAloneBehindAFilterThatTheUnitsFirstProgramInstalled) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  const std::string unit = "SYSTEMD_EXEC_PID=$$ exec " + program("behind_filter") + " launcher ";
  const Arguments command{"/bin/sh", "-c", unit + program("every_way") + " exit"};
  const Outcome bare = run(command);
  const TempDir directory;
  const Outcome outcome = run(command, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
  EXPECT_EQ(outcome.out, bare.out);
  EXPECT_EQ(outcome.status, bare.status) << outcome.err;
}

bool says_why_not(const Json& report) {
  const Json& notes = report.at("notes");
  return std::any_of(notes.begin(), notes.end(),
                     [](const Json& each) { return each.at("name") == "inherited_filter"; });
}

// Also one that it could live with, and one that the launcher keeps. The command tells why nothing was seen.
TEST(ConfinedProgram, IsLeftAloneBehindALaunchersFilterUnlessItIsTrusted) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  for (const char* way : {"", "in_child"}) {
    Arguments command{program("behind_filter"), "service"};
    if (way[0] != '\0') command.emplace_back(way);
    command.insert(command.end(), {program("confine"), "docker"});
    const TempDir directory;
    const Outcome alone = run(command, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
    EXPECT_EQ(alone.status, 0) << alone.err;
    EXPECT_EQ(alone.err, "");
    const Tracked hosted = track({"--grace", "0"}, command);
    if (way[0] == '\0') {
      EXPECT_TRUE(says_why_not(hosted.report)) << hosted.report.dump(1);
    }
    const Tracked trusted = track({"--grace", "0", "--inherited-filter", "trust"}, command);
    expect_facts(trusted.report, {way, 22, 5, ""});
    EXPECT_FALSE(says_why_not(trusted.report)) << trusted.report.dump(1);
  }
}

// What the program starts there is named, too, while it runs.
TEST(ConfinedProgram, IsSaidToBeLeftAloneWhereAnotherStartedIt) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  const TempDir directory;
  const Arguments words = tracked_command(directory, {"--json", directory / "report.json"},
                                          {program("behind_filter"), "service", "in_child", program("hold")});
  Arguments command{"/bin/sh", "-c", "exec \"$@\" 2>&1", "sh"};
  command.insert(command.end(), words.begin(), words.end());
  Process process(command, base_environment());
  ASSERT_THAT(process.line(), HasSubstr("ready"));
  EXPECT_THAT(process.line(), AllOf(HasSubstr("NOT tracked"), HasSubstr("(hold)")));
  process.finish();
  const Json report = read_report(directory / "report.json");
  const Json& notes = report.at("notes");
  const auto note = std::find_if(notes.begin(), notes.end(), [](const Json& each) {
    return each.at("name") == "children_behind_filter";
  });
  ASSERT_NE(note, notes.end()) << notes;
  EXPECT_EQ(note->at("count"), 1);
  EXPECT_EQ(report.at("complete"), false);
}

// The command lives under it as well, and has tried.
TEST(ConfinedProgram, IsTrackedBehindAFilterItInherited) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  for (const char* filter : {"service", "docker"}) {
    const TempDir directory;
    const Outcome bare = run({program("behind_filter"), filter, program("confine"), "docker"});
    Arguments command = tracked_command(directory, {"--grace", "0", "--json", directory / "report.json"},
                                        {program("confine"), "docker"});
    command.insert(command.begin(), {program("behind_filter"), filter});
    const Outcome hosted = run(command);
    EXPECT_EQ(hosted.out, bare.out);
    EXPECT_EQ(hosted.status, 0) << hosted.err;
    expect_facts(read_report(directory / "report.json"), {filter, 22, 5, ""});

    const TempDir alone;
    const Outcome preloaded =
        run({program("behind_filter"), filter, program("confine"), "docker"},
            preload_environment(alone, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_INHERITED_FILTER", "trust"}}));
    EXPECT_EQ(preloaded.out, bare.out);
    EXPECT_EQ(preloaded.status, 0) << preloaded.err;
    EXPECT_THAT(preloaded.err, HasSubstr("5 leaked sockets"));
  }
}

// The one that goes to the background has a recording of its own.
class Daemon : public testing::TestWithParam<const char*> {};

TEST_P(Daemon, IsRecordedInTheBackground) {
  const Outcome bare = run({program("confine"), GetParam()});
  const TempDir directory;
  const Outcome outcome =
      run({program("confine"), GetParam()}, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
  EXPECT_EQ(outcome.out, bare.out);
  EXPECT_EQ(outcome.status, bare.status);
  const auto background = [&] {
    for (const Json& process : processes_of(report_of(directory / "recordings"), "/confine")) {
      if (opened(process) == 15U && leaked(process) == 2U) return true;
    }
    return false;
  };
  EXPECT_TRUE(eventually(background)) << report_of(directory / "recordings").dump(1);
}

INSTANTIATE_TEST_SUITE_P(Ways, Daemon, testing::Values("daemon", "forks"),
                         [](const auto& each) { return std::string(each.param); });

TEST(ConfinedProgram, GivesUpItsUserInARawCopyOfItself) {
  if (sanitizer() == "thread") GTEST_SKIP() << "setuid() waits in the copy for TSan's thread, without us too";
  const Outcome bare = run({program("raw_fork")});
  if (bare.status != 0) GTEST_SKIP() << "not allowed here: " << bare.err;
  const TempDir directory;
  const Outcome outcome = run({program("raw_fork")}, preload_environment(directory));
  EXPECT_EQ(outcome.out, bare.out);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

// Sandboxes that end themselves if they have a second thread, or at a call their filter does not expect.
TEST(ConfinedProgram, IsABrowsersZygote) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  const Outcome bare = run({program("zygote")});
  if (bare.status == 77) GTEST_SKIP() << "not allowed here: " << bare.out;
  ASSERT_THAT(bare.out, AllOf(HasSubstr("threads: 1"), HasSubstr("worker: 7"), HasSubstr("zygote: 0")));
  const Tracked tracked = track({"--grace", "0", "--interval", "25ms"}, {program("zygote")});
  EXPECT_EQ(tracked.outcome.out, bare.out);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(leaked(processes_of(tracked.report, "/zygote").front()), 1U) << tracked.report.dump(1);
  const TempDir directory;
  const Outcome preloaded =
      run({program("zygote")}, preload_environment(directory, {{"SOCKTRACK_INTERVAL", "25ms"}}));
  EXPECT_EQ(preloaded.out, bare.out);
  EXPECT_EQ(preloaded.status, 0) << preloaded.err;
}

// Ours are threads of the process too, and must not keep it.
class MainThread : public testing::TestWithParam<const char*> {};

TEST_P(MainThread, MayLeaveBeforeTheOthers) {
  if (sanitizer() == "thread") GTEST_SKIP() << "TSan's own thread outlives the program's, without us too";
  const Outcome bare = run({program("main_leaves"), GetParam()});
  ASSERT_EQ(bare.out, "worked\ngoodbye 0 1\n");
  const TempDir directory;
  const Outcome outcome =
      run({program("main_leaves"), GetParam()},
          preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_INTERVAL", "50ms"}}));
  EXPECT_EQ(outcome.out, bare.out);
  EXPECT_EQ(outcome.status, bare.status) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("1 leaked socket"));
  const Json report = report_of(directory / "recordings");
  EXPECT_EQ(report.at("complete"), true);
  EXPECT_EQ(process_of(report, "/main_leaves").at("exit"), 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, MainThread, testing::Values("pthread_exit", "thrd_exit", "cancel"),
                         [](const auto& each) { return std::string(each.param); });

struct Split {
  const char* mode;
  const char* says;
  std::vector<std::uint64_t> leaked;  // of each process
};
void PrintTo(const Split& split, std::ostream* out) { *out << split.mode; }
class SplitTables : public testing::TestWithParam<Split> {};

// One number is two sockets: what is not known is not told, and nothing of ours keeps a closed one open.
TEST_P(SplitTables, AccuseNobodyWrongly) {
  const Tracked tracked =
      track({"--grace", "0", "--interval", "50ms"}, {program("split_tables"), GetParam().mode});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, GetParam().says);
  std::vector<std::uint64_t> leaks;
  for (const Json& process : processes_of(tracked.report, "/split_tables")) leaks.push_back(leaked(process));
  EXPECT_THAT(leaks, testing::UnorderedElementsAreArray(GetParam().leaked)) << tracked.report.dump(1);
  const Json first = processes_of(tracked.report, "/split_tables").front();
  EXPECT_THAT(blind_spots(first), Contains("split_table"));
}

INSTANTIATE_TEST_SUITE_P(Ways, SplitTables,
                         testing::Values(Split{"worker", "the peer is told: 1\ndone\n", {1}},
                                         Split{"worker_exits", "", {0}},
                                         Split{"worker_forks", "the peer is told: 1\ndone\n", {1, 1}},
                                         Split{"main", "done\n", {0}}),
                         [](const auto& each) { return std::string(each.param.mode); });

// Every number and every errno, while log, report and watcher are at work.
class Numbers : public testing::TestWithParam<const char*> {};

TEST_P(Numbers, AreThoseTheProgramHasWithoutUs) {
  const Outcome bare = run({program("fd_trace"), "60"});
  const TempDir directory;
  const std::string log = GetParam() == std::string("file") ? directory / "log" : GetParam();
  const Outcome outcome =
      run({program("fd_trace"), "60"},
          preload_environment(directory, {{"SOCKTRACK_LOG", log},
                                          {"SOCKTRACK_GRACE", "10ms"},
                                          {"SOCKTRACK_INTERVAL", "10ms"},
                                          {"SOCKTRACK_JSON", directory / "report.json"}}));
  EXPECT_EQ(outcome.out, bare.out);
  EXPECT_EQ(outcome.status, bare.status);
  const Json report = read_report(directory / "report.json");
  EXPECT_EQ(report.at("processes").front().at("groups").size(), 1U) << report.dump(1);
  if (GetParam() == std::string("stderr")) {
    EXPECT_THAT(outcome.err, HasSubstr("sockets: the peer closed"));
  }
  if (GetParam() == std::string("file")) {
    EXPECT_TRUE(std::ifstream(log).good());
  }
}

INSTANTIATE_TEST_SUITE_P(Logs, Numbers, testing::Values("stderr", "file", "off"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace scenario
