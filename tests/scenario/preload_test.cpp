// The library alone, as it stands in a unit file: LD_PRELOAD=libsocktrack.so and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Stands in for the syslog daemon where none runs.
class SyslogReceiver {
 public:
  SyslogReceiver() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    bound_ = bind(fd_, reinterpret_cast<const sockaddr*>(&kAddress), sizeof kAddress) == 0;
    if (bound_) reader_ = std::thread([this] { receive(); });
  }
  ~SyslogReceiver() {
    if (reader_.joinable()) messages();
    close(fd_);
    if (bound_) unlink(kAddress.sun_path);
  }
  SyslogReceiver(const SyslogReceiver&) = delete;
  SyslogReceiver& operator=(const SyslogReceiver&) = delete;
  bool is_there() const { return bound_; }
  // All that was sent until now: datagrams keep their order, so an empty one of ours ends them.
  std::vector<std::string> messages() {
    sendto(fd_, "", 0, 0, reinterpret_cast<const sockaddr*>(&kAddress), sizeof kAddress);
    reader_.join();
    return messages_;
  }

 private:
  void receive() {
    char text[4096];
    for (ssize_t size = 0; (size = recv(fd_, text, sizeof text, 0)) > 0;) {
      messages_.emplace_back(text, static_cast<std::size_t>(size));
    }
  }

  static constexpr sockaddr_un kAddress{AF_UNIX, "/dev/log"};
  int fd_;
  bool bound_ = false;
  std::vector<std::string> messages_;
  std::thread reader_;
};

std::ptrdiff_t lines_in(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST(Preload, ReportsOnStandardErrorAtExit) {
  const TempDir directory;
  const Outcome outcome = run({program("c_eof")}, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "done\n");
  for (const char* text : {"23", "eof_not_closed", "read_request", "accept_client"}) {
    EXPECT_THAT(outcome.err, HasSubstr(text));
  }
}

TEST(Preload, WritesTheSameJson) {
  const TempDir directory;
  const Environment environment = preload_environment(
      directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_JSON", directory / "report.json"}});
  EXPECT_EQ(run({program("c_eof")}, environment).status, 0);
  const Json process = process_of(read_report(directory / "report.json"), "/c_eof");
  ASSERT_THAT(summary(process.at("groups")), ElementsAre("eof_not_closed 23 recv"));
  EXPECT_EQ(opened(process), 81U);
  EXPECT_THAT(process.at("groups").front().at("sighting_stack"), Calls("read_request"));
}

TEST(Preload, LogsToAFileOfItsUserAlone) {
  const TempDir directory;
  const std::string log = directory / "socktrack.log";
  const Outcome outcome = run(
      {program("c_eof")}, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_LOG", log}}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  struct stat facts {};
  ASSERT_EQ(stat(log.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  std::ifstream file(log);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, AllOf(HasSubstr("[info]"), HasSubstr("23"), HasSubstr("eof_not_closed")));
}

TEST(Preload, LogsToSyslogOneLineADatagram) {
  SyslogReceiver syslog;
  if (!syslog.is_there()) GTEST_SKIP() << "/dev/log cannot be made here, or belongs to a running daemon";
  const TempDir directory;
  const Outcome outcome =
      run({program("c_eof")},
          preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_LOG", "syslog"}}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  const std::vector<std::string> messages = syslog.messages();
  ASSERT_FALSE(messages.empty());
  EXPECT_THAT(messages.front(), AllOf(testing::StartsWith("<30>socktrack["), HasSubstr("23 leaked sockets")));
  EXPECT_THAT(messages, testing::Each(testing::Not(HasSubstr("\n"))));
}

// The wrapper has the library as well, opens no socket, and ends last.
TEST(Preload, AWrapperDoesNotOverwriteTheJsonOfItsProgram) {
  const TempDir directory;
  const Environment environment = preload_environment(
      directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_JSON", directory / "report.json"}});
  std::ofstream(directory / "report.json") << "of an earlier run";
  EXPECT_EQ(run({"/usr/bin/timeout", "60", program("c_eof")}, environment).status, 0);
  EXPECT_EQ(leaked(process_of(read_report(directory / "report.json"), "/c_eof")), 23U);
}

TEST(Preload, AProgramWithoutSocketsReplacesTheJsonOfAnEarlierRun) {
  const TempDir directory;
  std::ofstream(directory / "report.json") << "of an earlier run";
  const Environment environment =
      preload_environment(directory, {{"SOCKTRACK_JSON", directory / "report.json"}});
  EXPECT_EQ(run({"/bin/echo", "hello"}, environment).status, 0);
  EXPECT_EQ(opened(process_of(read_report(directory / "report.json"), "/echo")), 0U);
}

TEST(Preload, EachProcessHasAJsonOfItsOwn) {
  const TempDir directory;
  const Environment environment = preload_environment(
      directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_JSON", directory / "report-%p.json"}});
  EXPECT_EQ(run({program("fork_worker")}, environment).status, 0);
  std::uint64_t leaks = 0;
  int reports = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    if (entry.path().extension() != ".json") continue;
    reports++;
    const Json document = read_report(entry.path().string());
    leaks += leaked(document.at("processes").front());
  }
  EXPECT_EQ(reports, 2);
  EXPECT_GT(leaks, 0U);
}

TEST(Preload, IsSilentWithoutALeak) {
  const TempDir directory;
  const Outcome outcome = run({program("c_eof"), "fixed"}, preload_environment(directory));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "done\n");
  EXPECT_EQ(outcome.err, "");
}

// Where nobody named a directory, only what somebody may want to read is kept.
TEST(Preload, KeepsARecordingOnlyOfALeak) {
  const TempDir directory;
  Environment environment =
      preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_LOG", "off"}});
  environment.erase("SOCKTRACK_OUTPUT");
  environment["XDG_RUNTIME_DIR"] = directory.path();
  const auto kept = [&] {
    const std::filesystem::directory_iterator files(directory / "socktrack");
    return std::distance(begin(files), end(files));
  };
  EXPECT_EQ(run({program("c_eof"), "fixed"}, environment).status, 0);
  EXPECT_EQ(kept(), 0);
  EXPECT_EQ(run({program("c_eof")}, environment).status, 0);
  EXPECT_EQ(kept(), 1);
}

TEST(Preload, IsSilentInAProgramWithoutSockets) {
  const TempDir directory;
  const Outcome outcome = run({"/bin/echo", "hello"}, preload_environment(directory));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "hello\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_FALSE(std::filesystem::exists(directory / "recordings"));
}

TEST(Preload, SpeaksWhileTheProgramRuns) {
  const TempDir directory;
  Process held({program("hold"), "4"}, preload_environment(directory, {{"SOCKTRACK_GRACE", "100ms"}}));
  held.line();
  ASSERT_TRUE(eventually([&] {
    const Json report = report_of(directory / "recordings");
    return report.at("processes").size() == 1 && leaked(report.at("processes").front()) == 4;
  }));
  held.send_signal(SIGKILL);
  const Outcome outcome = held.wait();
  EXPECT_EQ(outcome.status, 137);
  EXPECT_THAT(outcome.err, HasSubstr("eof_not_closed")) << "it was spoken before the kill";
}

TEST(Preload, RecordingsArePrivate) {
  const TempDir directory;
  EXPECT_EQ(run({program("c_eof")}, preload_environment(directory, {{"SOCKTRACK_GRACE", "0"}})).status, 0);
  struct stat facts {};
  ASSERT_EQ(stat((directory / "recordings").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
  int recordings = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "recordings")) {
    ASSERT_EQ(stat(entry.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U) << entry.path();
    recordings++;
  }
  EXPECT_EQ(recordings, 1);
}

struct Garbage {
  const char* variable;
  const char* value;
};

class PreloadGarbage : public testing::TestWithParam<Garbage> {};

TEST_P(PreloadGarbage, IsOneMessageAndTheProgramRuns) {
  const TempDir directory;
  const Environment environment = preload_environment(directory, {{GetParam().variable, GetParam().value}});
  const Outcome outcome = run({program("c_eof"), "fixed"}, environment);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "done\n");
  EXPECT_EQ(lines_in(outcome.err), 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().variable));
}

INSTANTIATE_TEST_SUITE_P(
    Preload, PreloadGarbage,
    testing::Values(Garbage{"SOCKTRACK_GRACE", "banana"}, Garbage{"SOCKTRACK_GRACE", "-1s"},
                    Garbage{"SOCKTRACK_GRACE", "99999999999999999999999"},
                    Garbage{"SOCKTRACK_INTERVAL", "1 fortnight"}, Garbage{"SOCKTRACK_WATCHER", "\x01\xff"},
                    Garbage{"SOCKTRACK_MITIGATE", "everything"}, Garbage{"SOCKTRACK_NO_SUCH_SETTING", "1"}),
    [](const auto& each) { return "case" + std::to_string(each.index); });

TEST(Preload, AnOutputThatCannotBeMadeIsOneMessageAndTheProgramRuns) {
  const TempDir directory;
  const Environment environment = preload_environment(
      directory, {{"SOCKTRACK_OUTPUT", "/dev/null/recordings"}, {"SOCKTRACK_GRACE", "0"}});
  const Outcome healthy = run({program("c_eof"), "fixed"}, environment);
  EXPECT_EQ(healthy.status, 0);
  EXPECT_EQ(healthy.out, "done\n");
  EXPECT_EQ(lines_in(healthy.err), 1) << healthy.err;
  const Outcome leaking = run({program("c_eof")}, environment);
  EXPECT_EQ(leaking.out, "done\n");
  EXPECT_THAT(leaking.err, HasSubstr("eof_not_closed")) << "a recording in private memory still reports";
}

TEST(Preload, WithoutAWatcherItStillLooksAtExit) {
  const TempDir directory;
  const Environment environment = preload_environment(
      directory,
      {{"SOCKTRACK_WATCHER", "off"}, {"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_JSON", directory / "r"}});
  EXPECT_EQ(run({program("c_eof")}, environment).status, 0);
  EXPECT_EQ(leaked(process_of(read_report(directory / "r"), "/c_eof")), 23U);
}

}  // namespace
}  // namespace scenario
