// `socktrack report` as its users call it: exit statuses, what goes where, which files are looked at.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/app.h"
#include "cli/commands.h"
#include "recording_fixture.h"
#include "watch/output_dir.h"

namespace socktrack {
namespace {

using test::RecordingFixture;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int status = 0;
  std::string out, err;
};

Outcome report(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"socktrack", "report"});
  std::vector<const char*> words;
  for (const std::string& each : arguments) words.push_back(each.c_str());
  Outcome outcome;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  outcome.status = run_command_line(static_cast<int>(words.size()), words.data());
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

class ReportCommand : public testing::Test {
 protected:
  ReportCommand() {
    RecordingFixture fixture;
    const std::uint32_t site = fixture.add_site({make_frame(kNoModule, 1)});
    fixture.add_group(Verdict::eof_not_closed, site, site, 23);
    fixture.header().ended_by = static_cast<std::uint32_t>(EndedBy::exit);
    fixture.header().final_sweep = 1;
    fixture.save(good_);
  }

  void expect_refused(const std::string& path, const std::string& sentence) {
    const Outcome outcome = report({path});
    EXPECT_EQ(outcome.status, kCannot) << path;
    EXPECT_EQ(outcome.out, "") << path;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("socktrack: "), HasSubstr(sentence))) << path;
  }

  TemporaryDirectory directory_;
  std::string good_ = directory_.file("good.socktrack");
};

TEST_F(ReportCommand, LeaksAreNoFailure) {
  for (const std::string& from : {directory_.path(), good_}) {
    const Outcome outcome = report({from});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.out, StartsWith("23 leaked sockets in 1 leak site: server (pid 4711, exit 0)"));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(ReportCommand, JsonGoesToStandardOutputOrAFile) {
  const auto leaked = [](const std::string& text) {
    return nlohmann::json::parse(text)["processes"][0]["sockets"]["leaked"].get<int>();
  };
  EXPECT_EQ(leaked(report({good_, "--json"}).out), 23);
  EXPECT_EQ(leaked(report({good_, "--json", "-"}).out), 23);
  EXPECT_EQ(leaked(report({"--json", good_}).out), 23) << "a recording is read, never written to";
  EXPECT_EQ(leaked(report({"--json", directory_.path()}).out), 23);
  const std::string file = directory_.file("report.json");
  const Outcome outcome = report({good_, "--json", file});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "");
  std::ostringstream content;
  content << std::ifstream(file).rdbuf();
  EXPECT_EQ(leaked(content.str()), 23);
}

TEST_F(ReportCommand, WhatCannotBeReadIsSaid) {
  RecordingFixture().save(directory_.file("cut.socktrack"), 2 * kPage);
  std::ofstream(directory_.file("foreign")) << std::string(2 * kPage, 'x');
  std::filesystem::create_directory(directory_.file("empty"));
  expect_refused(directory_.file("cut.socktrack"), "truncated");
  expect_refused(directory_.file("foreign"), "is not a socktrack recording");
  expect_refused(directory_.file("empty"), "no recordings in");
  expect_refused(directory_.file("none"), "No such file or directory");
}

TEST_F(ReportCommand, ABadFileInADirectoryIsANote) {
  std::ofstream(directory_.file("bad.socktrack")) << "x";
  std::ofstream(directory_.file("README")) << "x";
  const Outcome outcome = report({directory_.path()});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, StartsWith("23 leaked sockets"));
  EXPECT_THAT(outcome.err, HasSubstr("bad.socktrack' is not a socktrack recording"));
  EXPECT_EQ(outcome.err.find("README"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(report({directory_.path(), "--json"}).out)["notes"].size(), 1U);
}

TEST_F(ReportCommand, WrongUse) {
  for (const char* pid : {"abc", "0", "-1", "1.5", ""}) {
    EXPECT_EQ(report({"--stacks", pid}).status, kUsage) << pid;
  }
  EXPECT_EQ(report({good_, "--json", "--stacks", "1"}).status, kUsage);
  EXPECT_EQ(report({good_, good_}).status, kUsage);
  EXPECT_EQ(report({"--nonsense"}).status, kUsage);
}

TEST_F(ReportCommand, StacksOfNobody) {
  const Outcome outcome = report({good_, "--stacks", "2147483646"});
  EXPECT_EQ(outcome.status, kCannot);
  EXPECT_THAT(outcome.out, StartsWith("23 leaked sockets"));
  EXPECT_THAT(outcome.err, HasSubstr("2147483646"));
}

class OutputDir : public testing::Test {
 protected:
  OutputDir() {
    unsetenv("SOCKTRACK_OUTPUT");
    unsetenv("XDG_RUNTIME_DIR");
  }
  ~OutputDir() override {
    unsetenv("SOCKTRACK_OUTPUT");
    unsetenv("XDG_RUNTIME_DIR");
  }
};

TEST_F(OutputDir, AskedThenRuntimeThenRoot) {
  EXPECT_EQ(default_recordings_dir(), geteuid() == 0 ? "/run/socktrack" : "");
  setenv("XDG_RUNTIME_DIR", "relative", 1);
  EXPECT_EQ(default_recordings_dir(), geteuid() == 0 ? "/run/socktrack" : "");
  setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
  EXPECT_EQ(default_recordings_dir(), "/run/user/1/socktrack");
  setenv("SOCKTRACK_OUTPUT", "/somewhere", 1);
  EXPECT_THAT(default_recordings_dirs(), ElementsAre("/somewhere"));
}

TEST_F(OutputDir, ReportLooksThere) {
  const TemporaryDirectory directory;
  setenv("SOCKTRACK_OUTPUT", directory.path().c_str(), 1);
  EXPECT_EQ(report({}).status, kCannot);
  RecordingFixture().save(directory.file("a.socktrack"));
  const Outcome outcome = report({});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("server (pid 4711"));
}

}  // namespace
}  // namespace socktrack
