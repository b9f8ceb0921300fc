// The files and directories that `socktrack run` makes, and the environment it gives to the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/new_file.h"
#include "cli/process_facts.h"
#include "cli/run_directory.h"
#include "cli/run_options.h"
#include "cli/trial_load.h"

namespace socktrack {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RunFiles : public testing::Test {
 protected:
  RunFiles() {
    std::string name = (fs::temp_directory_path() / "run_files.XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~RunFiles() override { fs::remove_all(directory_); }

  std::string in(const std::string& name) const { return (directory_ / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(directory_))
      all.push_back(entry.path().filename().string());
    return all;
  }

  fs::path directory_;
};

mode_t mode_of(const std::string& path) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename Work>
std::string refusal(const Work& work, int status = kUsage) {
  try {
    work();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.exit_status(), status);
    return failure.what();
  }
  return "";
}

using NewFileTest = RunFiles;

TEST_F(NewFileTest, AppearsWholeAndForItsOwnerOnly) {
  NewFile file(in("report.json"));
  EXPECT_FALSE(fs::exists(in("report.json")));
  file.commit("content\n");
  EXPECT_EQ(content_of(in("report.json")), "content\n");
  EXPECT_EQ(mode_of(in("report.json")), 0600U);
  EXPECT_THAT(names(), ElementsAre("report.json"));
}

TEST_F(NewFileTest, ReplacesAnEarlierOne) {
  std::ofstream(in("report.json")) << "something longer than that";
  NewFile(in("report.json")).commit("new");
  EXPECT_EQ(content_of(in("report.json")), "new");
}

TEST_F(NewFileTest, LeavesNothingIfNotCommitted) {
  { const NewFile file(in("report.json")); }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(NewFileTest, RefusesWhatIsNoRegularFile) {
  std::ofstream(in("file")) << "kept";
  fs::create_symlink(in("file"), in("link"));
  EXPECT_THAT(refusal([&] { NewFile file(in("link")); }), HasSubstr("symbolic link"));
  EXPECT_THAT(refusal([&] { NewFile file(directory_.string()); }), HasSubstr("directory"));
  EXPECT_THAT(refusal([&] { NewFile file(in("new/")); }), HasSubstr("directory"));
  EXPECT_THAT(refusal([] { NewFile file("/dev/null"); }), HasSubstr("/dev/null"));
  EXPECT_THAT(refusal([&] { NewFile file(in("file/below")); }), HasSubstr(in("file/below")));
  EXPECT_THAT(refusal([&] { NewFile file(in("none/report.json")); }), HasSubstr("No such file"));
  EXPECT_EQ(content_of(in("file")), "kept");
}

using RunDirectoryTest = RunFiles;

TEST_F(RunDirectoryTest, IsMadeForItsOwnerOnly) {
  const RunDirectory made(in("new"));
  EXPECT_EQ(made.path(), in("new"));
  EXPECT_FALSE(made.is_private());
  EXPECT_EQ(mode_of(in("new")), 0700U);
  made.remove();
  EXPECT_TRUE(fs::exists(in("new"))) << "only a private one is ours to take away";
}

TEST_F(RunDirectoryTest, TellsItsRecordingsFromEarlierOnes) {
  fs::create_directory(in("d"));
  std::ofstream(in("d/old.socktrack")) << "x";
  const RunDirectory again(in("d"));
  EXPECT_THAT(again.recordings(), IsEmpty());
  std::ofstream(in("d/new.socktrack")) << "x";
  EXPECT_THAT(again.recordings(), ElementsAre(in("d/new.socktrack")));
}

TEST_F(RunDirectoryTest, RefusesUnsafePlaces) {
  fs::create_directory(in("real"));
  fs::create_directory_symlink(in("real"), in("link"));
  std::ofstream(in("file")) << "";
  fs::create_directory(in("open"));
  chmod(in("open").c_str(), 0770);
  EXPECT_THAT(refusal([&] { RunDirectory d(in("link")); }), HasSubstr("symbolic link"));
  EXPECT_THAT(refusal([&] { RunDirectory d(in("link///")); }), HasSubstr("symbolic link"));
  EXPECT_THAT(refusal([&] { RunDirectory d(in("file")); }), HasSubstr("not a directory"));
  EXPECT_THAT(refusal([&] { RunDirectory d(in("open")); }), HasSubstr("others may write"));
  EXPECT_THAT(refusal([&] { RunDirectory d(in("a/b")); }), HasSubstr("No such file"));
  chmod(in("open").c_str(), 0755);
  EXPECT_EQ(refusal([&] { RunDirectory d(in("open")); }), "") << "others may read";
}

TEST_F(RunDirectoryTest, RefusesThatOfAnotherUser) {
  if (getuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  fs::create_directory(in("theirs"));
  ASSERT_EQ(chown(in("theirs").c_str(), 65534, 65534), 0);
  EXPECT_THAT(refusal([&] { RunDirectory d(in("theirs")); }), HasSubstr("another user"));
}

TEST_F(RunDirectoryTest, PrivateOneIsTakenAway) {
  setenv("XDG_RUNTIME_DIR", directory_.c_str(), 1);
  const RunDirectory made("");
  unsetenv("XDG_RUNTIME_DIR");
  EXPECT_TRUE(made.is_private());
  EXPECT_THAT(made.path(), testing::StartsWith(in("socktrack/run.")));
  EXPECT_EQ(mode_of(made.path()), 0700U);
  EXPECT_EQ(mode_of(in("socktrack")), 0700U);
  std::ofstream(made.path() + "/x.socktrack") << "x";
  made.remove();
  EXPECT_FALSE(fs::exists(made.path()));
}

// The environment for a command line, with what was set before.
std::vector<std::string> environment_for(std::vector<std::string> words) {
  CLI::App app;
  RunOptions options;
  add_run_options(app, options);
  std::reverse(words.begin(), words.end());
  app.parse(words);
  const Options effective = effective_options(options);
  return program_environment(options, effective, "/d", "/l/lib.so", {"libasan.so.8", "", "libasan.so.8"});
}

TEST(RunOptions, GoToTheProgramThroughItsEnvironment) {
  setenv("SOCKTRACK_GRACE", "5s", 1);
  setenv("SOCKTRACK_INTERVAL", "1s", 1);
  setenv("SOCKTRACK_JSON", "x", 1);
  setenv("LD_PRELOAD", "", 1);
  const auto environment =
      environment_for({"--grace", "1s", "--grace", "2s", "--fail-on-leak", "--no-follow-children", "--log",
                       "./here.log", "./prog", "--grace", "9s"});
  for (const char* name : {"SOCKTRACK_GRACE", "SOCKTRACK_INTERVAL", "SOCKTRACK_JSON", "LD_PRELOAD"})
    unsetenv(name);
  EXPECT_THAT(environment, Contains("SOCKTRACK_GRACE=2s")) << "the last one, and not that of the environment";
  EXPECT_THAT(environment, Not(Contains("SOCKTRACK_GRACE=5s")));
  EXPECT_THAT(environment, Contains("SOCKTRACK_INTERVAL=1s"));
  EXPECT_THAT(environment, Contains("SOCKTRACK_FOLLOW_CHILDREN=false"));
  EXPECT_THAT(environment, Contains("SOCKTRACK_OUTPUT=/d"));
  EXPECT_THAT(environment, Contains("SOCKTRACK_HOSTED=1"));
  EXPECT_THAT(environment, Contains("SOCKTRACK_LOG=" + fs::absolute("./here.log").string()));
  EXPECT_THAT(environment, Contains("LD_PRELOAD=libasan.so.8:/l/lib.so"));
  EXPECT_THAT(environment, Not(Contains(testing::StartsWith("SOCKTRACK_JSON="))));
  EXPECT_THAT(environment, Not(Contains(testing::StartsWith("SOCKTRACK_FAIL_ON_LEAK="))));
}

TEST(RunOptions, KeepWhatWasPreloaded) {
  setenv("LD_PRELOAD", "libother.so", 1);
  const auto environment = environment_for({"--", "./prog"});
  unsetenv("LD_PRELOAD");
  EXPECT_THAT(environment, Contains("LD_PRELOAD=libasan.so.8:/l/lib.so:libother.so"));
}

TEST(RunOptions, BadValuesNameTheirSource) {
  EXPECT_THAT(refusal([] { environment_for({"--grace", "banana", "x"}); }), HasSubstr("--grace: 'banana'"));
  EXPECT_THAT(refusal([] { environment_for({"--json", "-", "x"}); }), HasSubstr("the program's"));
  EXPECT_THAT(refusal([] { environment_for({"--fail-on-leak=300", "x"}); }), HasSubstr("300"));
  setenv("SOCKTRACK_GRACE", "banana", 1);
  EXPECT_THAT(refusal([] { environment_for({"x"}); }), HasSubstr("SOCKTRACK_GRACE: 'banana'"));
  unsetenv("SOCKTRACK_GRACE");
}

TEST(TrialLoad, TellsWhyNot) {
  EXPECT_EQ(problem_of_loading("libc.so.6"), "");
  EXPECT_THAT(problem_of_loading("/nonexistent/lib.so"), HasSubstr("/nonexistent/lib.so"));
  EXPECT_THAT(problem_of_loading("/etc/passwd"), HasSubstr("/etc/passwd"));
}

TEST(ProcessesWith, FindsByTheEnvironmentAtExec) {
  const std::string path = std::string("PATH=") + std::getenv("PATH");
  EXPECT_THAT(processes_with({path}), Contains(getpid()));
  EXPECT_THAT(processes_with({path, "SOCKTRACK_TEST_NOBODY=has this"}), IsEmpty());
}

}  // namespace
}  // namespace socktrack
