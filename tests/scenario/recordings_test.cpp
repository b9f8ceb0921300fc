// `socktrack report`: of a living program, after a SIGKILL, and of files that are no recordings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A program that holds five leaked sockets which have been spoken of.
class Held {
 public:
  explicit Held(const std::string& grace = "100ms")
      : process_(tracked_command(directory_, {"--grace", grace}, {program("hold"), "5"}),
                 base_environment()) {
    const std::string ready = process_.line();
    pid_ = std::stoi(ready.substr(ready.find(' ')));
    spoken_ = eventually([this] { return leaks() == 5; });
  }

  std::uint64_t leaks() const {
    const std::vector<Json> processes = processes_of(report_of(recordings()), "/hold");
    return processes.empty() ? 0 : leaked(processes.front());
  }
  bool spoken() const { return spoken_; }
  int pid() const { return pid_; }
  Process& process() { return process_; }
  std::string recordings() const { return directory_ / "recordings"; }

 private:
  TempDir directory_;
  Process process_;
  int pid_ = 0;
  bool spoken_ = false;
};

Outcome report(const std::string& path, bool json = false) {
  Arguments arguments{command(), "report", path};
  if (json) arguments.emplace_back("--json");
  return run(arguments, base_environment());
}

std::string first_recording(const std::string& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) return entry.path().string();
  throw std::runtime_error("no recording in " + directory);
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(Report, OfALivingProgram) {
  Held held;
  ASSERT_TRUE(held.spoken());
  const Json document = report_of(held.recordings());
  const Json process = process_of(document, "/hold");
  EXPECT_EQ(process.at("pid"), held.pid());
  EXPECT_TRUE(process.at("exit").is_null());
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 5 recv"));
  EXPECT_THAT(process.at("groups").front().at("open_stack"), Calls("accept_client"));
  EXPECT_FALSE(document.at("complete").get<bool>());
  held.process().say("leak\n");
  EXPECT_EQ(held.process().line(), "leaked");
  EXPECT_TRUE(eventually([&] { return held.leaks() == 6; }));
  EXPECT_EQ(held.process().finish().status, 0);
}

// From the first socket to what is known now, whether the program lives or was killed.
TEST(Report, TellsTheCourseOfTheRun) {
  Held held;
  ASSERT_TRUE(held.spoken());
  const auto course = [&] { return process_of(report_of(held.recordings()), "/hold").at("timeline"); };
  const Json living = course();
  EXPECT_EQ(living.front().at("at_s"), 0.0);
  EXPECT_EQ(living.front().at("leaked"), 0);
  EXPECT_EQ(living.back().at("leaked"), 5);
  held.process().say("leak\n");
  ASSERT_EQ(held.process().line(), "leaked");
  ASSERT_TRUE(eventually([&] { return held.leaks() == 6; }));
  ASSERT_EQ(kill(held.pid(), SIGKILL), 0);
  held.process().finish();
  const Json killed = course();
  std::vector<int> leaked;
  for (std::size_t i = 0; i < killed.size(); i++) {
    EXPECT_GE(killed[i].at("at_s"), killed[i == 0 ? 0 : i - 1].at("at_s"));
    if (leaked.empty() || leaked.back() != killed[i].at("leaked")) leaked.push_back(killed[i].at("leaked"));
  }
  EXPECT_EQ(leaked.front(), 0);
  EXPECT_EQ(leaked.back(), 6);
  EXPECT_TRUE(std::is_sorted(leaked.begin(), leaked.end())) << killed.dump();
  EXPECT_EQ(killed.back().at("live").get<int>() - living.back().at("live").get<int>(), 1);
}

TEST(Report, OutlivesASigkill) {
  Held held;
  ASSERT_TRUE(held.spoken());
  ASSERT_EQ(kill(held.pid(), SIGKILL), 0);
  EXPECT_EQ(held.process().finish().status, 137);
  const Json document = report_of(held.recordings());
  const Json process = process_of(document, "/hold");
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 5 recv"));
  EXPECT_THAT(process.at("groups").front().at("sighting_stack"), Calls("read_to_end"));
  EXPECT_FALSE(document.at("complete").get<bool>());
  const Outcome text = report(held.recordings());
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("eof_not_closed"));
}

// The command that started it is gone: the program goes on, and so does what it records.
TEST(Report, OutlivesTheCommandThatRanTheProgram) {
  Held held;
  ASSERT_TRUE(held.spoken());
  held.process().send_signal(SIGKILL);
  held.process().say("leak\n");
  EXPECT_EQ(held.process().line(), "leaked");
  EXPECT_TRUE(eventually([&] { return held.leaks() == 6; }));
  held.process().say("quit\n");
  EXPECT_EQ(held.process().finish().status, 128 + SIGKILL);
  const auto has_ended = [&] { return report_of(held.recordings()).at("complete").get<bool>(); };
  EXPECT_TRUE(eventually(has_ended)) << "with its last look";
  EXPECT_EQ(held.leaks(), 6U);
}

class EverySignal : public testing::TestWithParam<int> {};

// Nothing of ours runs any more when a program dies of these; what it held is in the recording.
TEST_P(EverySignal, LeavesTheSocketInTheRecording) {
  const TempDir directory;
  const Outcome outcome = run(tracked_command(directory, {"--grace", "0"},
                                              {program("exit_with"), std::to_string(-GetParam()), "leak"}),
                              base_environment());
  EXPECT_EQ(outcome.status, 128 + GetParam()) << outcome.err;
  const Json process = process_of(report_of(directory / "recordings"), "/exit_with");
  EXPECT_FALSE(process.at("running").get<bool>());
  EXPECT_EQ(process.at("sockets").at("live"), 2) << "the listener and the leaked one";
  // Spoken of before it died, or found in the slots now.
  const Json& groups = process.at("groups").empty() ? process.at("open_at_exit") : process.at("groups");
  ASSERT_THAT(summary(groups), ElementsAre("eof_not_closed 1 recv"));
  EXPECT_THAT(groups.front().at("open_stack"), Calls("accept_client"));
}

INSTANTIATE_TEST_SUITE_P(Report, EverySignal, testing::Values(SIGKILL, SIGABRT, SIGSEGV),
                         [](const auto& each) { return std::string("SIG") + sigabbrev_np(each.param); });

// A plugin that was unloaded long ago is named by the recording, and its lines are found on another machine.
TEST(Report, NamesWhatWasUnloadedOnAnotherMachine) {
  const TempDir directory, machine;
  const std::string plugin = directory / "plugin.so";
  fs::copy_file(program("plugin.so"), plugin);
  run(tracked_command(directory, {"--grace", "0"}, {program("plugin_leak"), plugin}), base_environment());
  const auto shown = [&](const Arguments& options) {
    Arguments all{command(), "report", directory / "recordings"};
    all.insert(all.end(), options.begin(), options.end());
    return run(all, base_environment()).out;
  };
  EXPECT_THAT(shown({}),
              testing::AllOf(HasSubstr("3 sockets"), HasSubstr("leak_in_plugin"), HasSubstr("plugin.c:")));
  fs::create_directories(machine.path() + directory.path());
  fs::rename(plugin, machine.path() + plugin);
  EXPECT_THAT(shown({}), testing::Not(HasSubstr("leak_in_plugin")));
  EXPECT_THAT(shown({"--sysroot", machine.path()}), HasSubstr("leak_in_plugin"));
}

// PHP loads all its extensions so. "No sockets were opened" would be wrong.
TEST(Report, TellsWhereSocketsMayHaveGonePastWithoutAnyThatWasSeen) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers refuse RTLD_DEEPBIND";
  const Tracked tracked = track({"--grace", "0"}, {program("plugin_leak"), program("plugin.so"), "deepbind"});
  const Json process = process_of(tracked.report, "/plugin_leak");
  EXPECT_EQ(opened(process), 0U);
  EXPECT_THAT(process.at("blind_spots").dump(), HasSubstr(R"("name":"deepbind")")) << tracked.report.dump(1);
  const TempDir directory;
  const Outcome alone = run({program("plugin_leak"), program("plugin.so"), "deepbind"},
                            preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
  EXPECT_EQ(alone.out, "done\n");
  EXPECT_EQ(alone.status, 0) << alone.err;
}

TEST(Report, OfOneFile) {
  Held held;
  ASSERT_TRUE(held.spoken());
  const Outcome outcome = report(first_recording(held.recordings()), true);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(leaked(process_of(parse_report(outcome.out), "/hold")), 5U);
}

TEST(Report, StacksOfALivingProgramChangeNothingInIt) {
  Held held;
  ASSERT_TRUE(held.spoken());
  const Outcome outcome = run(
      {command(), "report", held.recordings(), "--stacks", std::to_string(held.pid())}, base_environment());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("main"));
  held.process().say("close\n");
  EXPECT_EQ(held.process().line(), "closed");
  EXPECT_EQ(held.process().finish().status, 0);
}

TEST(Report, OfAnEmptyDirectory) {
  const TempDir directory;
  const Outcome outcome = report(directory.path(), true);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr(directory.path()));
  EXPECT_EQ(outcome.out, "");
}

TEST(Report, OfNothing) {
  const Outcome outcome = report("/nonexistent/recordings");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("/nonexistent/recordings"));
  EXPECT_EQ(outcome.out, "");
}

// Each is a recording of `name.socktrack` that cannot be read: status 1, and the message names the file.
void expect_refused(const std::string& text, const char* what) {
  const TempDir directory;
  const std::string file = directory / "bad.socktrack";
  write_file(file, text);
  const Outcome outcome = report(file);
  EXPECT_EQ(outcome.status, 1) << what << ": " << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("bad.socktrack")) << what;
}

TEST(Report, OfForeignFiles) {
  expect_refused("", "an empty file");
  expect_refused("hello\n", "a text");
  expect_refused(std::string(1U << 20U, '\xff'), "a megabyte of ones");
  expect_refused(std::string("SOCKTRK\n") + std::string(8192, '\xee'), "only the magic is right");
}

TEST(Report, OfATruncatedRecording) {
  Held held;
  ASSERT_TRUE(held.spoken());
  std::ifstream in(first_recording(held.recordings()), std::ios::binary);
  std::string start(std::size_t{2} * 4096, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  for (const std::size_t size : {1UL, 8UL, 100UL, 4095UL, 4096UL, 8192UL}) {
    expect_refused(start.substr(0, size), std::to_string(size).c_str());
  }
}

TEST(Report, ABadFileDoesNotHideTheOthers) {
  Held held;
  ASSERT_TRUE(held.spoken());
  write_file(held.recordings() + "/0.socktrack", "not a recording");
  const Outcome outcome = report(held.recordings(), true);
  const Json document = parse_report(outcome.out);
  EXPECT_EQ(leaked(process_of(document, "/hold")), 5U);
  EXPECT_THAT(document.dump() + outcome.err, HasSubstr("0.socktrack"));
}

}  // namespace
}  // namespace scenario
