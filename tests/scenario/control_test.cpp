// What the user decides not to hear of: --suppress and --ignore, with the command and without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string rules(const TempDir& directory, const std::string& text) {
  std::string path = directory / "quiet.txt";
  std::ofstream(path) << text;
  return path;
}

std::string note_names(const Json& report) {
  std::string names;
  for (const Json& note : report.at("notes")) names += note.at("name").get<std::string>() + ";";
  return names;
}

// With the library alone: status, report, and what it said.
Tracked bare(const Environment& settings, const Arguments& words) {
  const TempDir directory;
  Environment environment{{"SOCKTRACK_GRACE", "0"},
                          {"SOCKTRACK_FAIL_ON_LEAK", "on"},
                          {"SOCKTRACK_JSON", directory / "report.json"}};
  environment.insert(settings.begin(), settings.end());
  Tracked tracked;
  tracked.outcome = run(words, preload_environment(directory, environment));
  tracked.report = read_report(directory / "report.json");
  return tracked;
}

TEST(Suppress, AGroupThatARuleMeetsDoesNotFail) {
  const TempDir directory;
  const std::string file = rules(directory, "# known\nframe:read_request verdict:eof_not_closed\n");
  const Tracked tracked = track({"--grace", "0", "--fail-on-leak", "--suppress", file}, {program("c_eof")});
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  const Json process = process_of(tracked.report, "/c_eof");
  EXPECT_EQ(leaked(process), 0U);
  EXPECT_THAT(process.at("groups"), IsEmpty());
  ASSERT_THAT(process.at("suppressed"), SizeIs(1));
  EXPECT_EQ(process.at("suppressed")[0].at("count"), 23);
  EXPECT_EQ(process.at("suppressed")[0].at("rule"), file + ":2 (frame:read_request verdict:eof_not_closed)");
  EXPECT_THAT(tracked.outcome.err, HasSubstr("suppressed: 23 sockets, eof_not_closed"));
  EXPECT_EQ(note_names(tracked.report), "");
}

TEST(Suppress, OtherLeaksStillFailAndTheUselessRuleIsTold) {
  const TempDir directory;
  const std::string file = rules(directory, "frame:nothing_of_it\n");
  const Tracked tracked = track({"--grace", "0", "--fail-on-leak", "--suppress", file}, {program("c_eof")});
  EXPECT_EQ(tracked.outcome.status, 23);
  EXPECT_EQ(leaked(process_of(tracked.report, "/c_eof")), 23U);
  EXPECT_EQ(note_names(tracked.report), "unused_suppression;");
  EXPECT_TRUE(tracked.report.at("complete")) << "a useless rule is no blind spot";
  EXPECT_THAT(tracked.outcome.err,
              HasSubstr("Nothing is suppressed by " + file + ":1 (frame:nothing_of_it)"));
}

TEST(Suppress, ABadLineIsWrongUsage) {
  const TempDir directory;
  const std::string file = rules(directory, "frame:x\nfrmae:y\n");
  const Outcome outcome =
      run({command(), "run", "--suppress", file, "--", program("c_eof")}, base_environment());
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, "") << "the program was not started";
  EXPECT_THAT(outcome.err, HasSubstr(file + ":2: 'frmae' is none of"));
  EXPECT_EQ(
      run({command(), "run", "--suppress", directory / "none", "--", program("c_eof")}, base_environment())
          .status,
      2);
  EXPECT_EQ(run({command(), "report", "--suppress", file, directory.path()}, base_environment()).status, 2);
}

TEST(Suppress, WithoutTheCommand) {
  const TempDir directory;
  const std::string file = rules(directory, "module:c_eof\n");
  const Tracked quiet = bare({{"SOCKTRACK_SUPPRESS", file}}, {program("c_eof")});
  EXPECT_EQ(quiet.outcome.status, 0) << quiet.outcome.err;
  EXPECT_EQ(leaked(process_of(quiet.report, "/c_eof")), 0U);
  EXPECT_THAT(process_of(quiet.report, "/c_eof").at("suppressed"), SizeIs(1));

  const std::string useless = rules(directory, "module:other\n");
  const Tracked loud = bare({{"SOCKTRACK_SUPPRESS", useless}}, {program("c_eof")});
  EXPECT_EQ(loud.outcome.status, 23);
  EXPECT_EQ(note_names(loud.report), "unused_suppression;");
}

TEST(Suppress, WithoutTheCommandABadFileIsAMessage) {
  const TempDir directory;
  const std::string file = rules(directory, "module:c_eof\nnonsense\n");
  const Tracked tracked = bare({{"SOCKTRACK_SUPPRESS", file}}, {program("c_eof")});
  EXPECT_EQ(tracked.outcome.status, 23) << "its rules are left out";
  EXPECT_EQ(tracked.outcome.out, "done\n");
  EXPECT_THAT(tracked.outcome.err, HasSubstr(file + ":2: 'nonsense' is not of the form key:glob"));
}

TEST(Ignore, ByFingerprintEverywhere) {
  const TempDir directory;
  const Arguments words{program("c_eof")};
  const Outcome first =
      run(tracked_command(directory, {"--grace", "0", "--json", directory / "r"}, words), base_environment());
  ASSERT_EQ(first.status, 0) << first.err;
  const std::string fingerprint =
      process_of(read_report(directory / "r"), "/c_eof").at("groups")[0].at("fingerprint");

  const Arguments options{"--grace", "0", "--fail-on-leak", "--ignore"};
  const auto with = [&](Arguments more) {
    Arguments all = options;
    all.insert(all.end(), more.begin(), more.end());
    return track(all, words);
  };
  EXPECT_EQ(with({fingerprint}).outcome.status, 0);
  EXPECT_EQ(with({"00*", "--ignore", fingerprint.substr(0, 6) + "*"}).outcome.status, 0)
      << "each adds to the list";
  EXPECT_EQ(with({fingerprint.substr(0, 15)}).outcome.status, 23);
  EXPECT_EQ(bare({{"SOCKTRACK_IGNORE", "00*," + fingerprint}}, words).outcome.status, 0);
  EXPECT_EQ(bare({{"SOCKTRACK_IGNORE", "00*"}}, words).outcome.status, 23);

  const Outcome report =
      run({command(), "report", directory / "recordings", "--json", "-", "--ignore", fingerprint},
          base_environment());
  EXPECT_EQ(report.status, 0) << report.err;
  EXPECT_EQ(leaked(process_of(parse_report(report.out), "/c_eof")), 0U);
  const Outcome inherited = run({command(), "report", directory / "recordings"}, [&] {
    Environment environment = base_environment();
    environment["SOCKTRACK_IGNORE"] = fingerprint;
    return environment;
  }());
  EXPECT_THAT(inherited.out, HasSubstr("suppressed: 23 sockets"));
}

TEST(Ignore, ABadOneIsWrongUsage) {
  const TempDir directory;
  for (const Arguments& words : {Arguments{command(), "run", "--ignore", "xyz", "--", program("c_eof")},
                                 Arguments{command(), "report", "--ignore", "xyz", directory.path()}}) {
    const Outcome outcome = run(words, base_environment());
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("is not a list of fingerprints"));
  }
}

// The command names frames by debug information, the library by symbol tables: the fingerprint is the same.
TEST(Fingerprint, IsTheSameInTheProgramAndInTheCommand) {
  for (const char* name : {"c_eof", "cpp_pool", "connect_retry"}) {
    const TempDir directory;
    const Environment environment = preload_environment(
        directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_JSON", directory / "inside.json"}});
    ASSERT_EQ(run({program(name)}, environment).status, 0);
    const auto fingerprints = [&](const Json& report) {
      std::vector<std::string> all;
      const Json process = process_of(report, std::string("/") + name);
      for (const Json& group : process.at("groups")) {
        all.push_back(group.at("fingerprint"));
      }
      return all;
    };
    const auto inside = fingerprints(read_report(directory / "inside.json"));
    EXPECT_THAT(inside, Not(IsEmpty())) << name;
    EXPECT_EQ(inside, fingerprints(report_of(environment.at("SOCKTRACK_OUTPUT")))) << name;
  }
}

// ... and of a program without symbols, whose debug information the command may still find.
TEST(Fingerprint, IsTheSameForAStrippedProgram) {
  if (find_program("objcopy").empty()) GTEST_SKIP() << "no objcopy here";
  const TempDir directory;
  const std::string stripped = directory / "c_eof";
  ASSERT_EQ(run({"objcopy", "--only-keep-debug", program("c_eof"), stripped + ".debug"}).status, 0);
  ASSERT_EQ(run({"objcopy", "--strip-all", "--add-gnu-debuglink=" + stripped + ".debug", program("c_eof"),
                 stripped})
                .status,
            0);
  const Environment environment = preload_environment(
      directory, {{"SOCKTRACK_GRACE", "0"}, {"SOCKTRACK_JSON", directory / "inside.json"}});
  ASSERT_EQ(run({stripped}, environment).status, 0);
  const Json inside = process_of(read_report(directory / "inside.json"), "/c_eof").at("groups");
  const Json outside = process_of(report_of(environment.at("SOCKTRACK_OUTPUT")), "/c_eof").at("groups");
  ASSERT_THAT(inside, SizeIs(1));
  ASSERT_THAT(outside, SizeIs(1));
  EXPECT_THAT(outside[0].at("open_stack"), Calls("accept_client")) << "the command has names";
  EXPECT_THAT(functions(inside[0].at("open_stack")), Not(testing::Contains("accept_client")));
  EXPECT_EQ(inside[0].at("fingerprint"), outside[0].at("fingerprint"));
}

}  // namespace
}  // namespace scenario
