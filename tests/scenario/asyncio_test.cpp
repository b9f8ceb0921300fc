// Python programs whose sockets are read by asyncio: their own lines are those of the coroutines that wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/process.h"
#include "harness/runtimes.h"
#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::IsEmpty;

constexpr const char* kPython = "/usr/bin/python3";

// "reads:21 awaiting": the lines of one file, of those that have a role.
std::vector<std::string> called_for(const Json& stack, const std::string& file) {
  std::vector<std::string> found;
  for (const Json& frame : stack) {
    if (!frame.contains("role") || !frame.at("file").get<std::string>().ends_with("/" + file)) continue;
    const auto function = frame.at("function").get<std::string>();
    // Before 3.11 functions are known without their class.
    found.push_back(function.substr(function.rfind('.') + 1) + ":" + frame.at("line").dump() + " " +
                    frame.at("role").get<std::string>());
  }
  return found;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : ", ") + line;
  return all;
}

struct Seen {
  Json process;
  std::set<std::pair<std::string, std::string>> groups;  // the lines that opened and that saw the end
};

Seen run_python(const std::string& python, const std::string& name, const Arguments& arguments = {}) {
  Arguments all{python, script(name)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Tracked tracked = track({"--grace", "0"}, all);
  EXPECT_EQ(tracked.outcome.status, 0) << tracked.outcome.err;
  EXPECT_EQ(tracked.outcome.out, "done\n");
  Seen run;
  run.process = tracked.report.at("processes").front();
  for (const Json& group : run.process.at("groups"))
    run.groups.emplace(joined(called_for(group.at("open_stack"), name)),
                       joined(called_for(group.at("sighting_stack"), name)));
  return run;
}

void expect_lines(const std::string& python, bool keeps_tasks) {
  SCOPED_TRACE(python);
  const Seen run = run_python(python, "py_asyncio.py");
  const std::string works = "waits_for_work:37 callback";
  const std::set<std::pair<std::string, std::string>> expected = {
      {"reads:20 callback", "reads:21 awaiting"},
      {"returns:26 callback", "returns:26 callback"},
      {works, keeps_tasks ? "waits_for_work:40 awaiting" : works},
      {"reads_in_tasks:65 callback", "read_all:71 awaiting, reads_in_tasks:66 awaiting"},
      {"serve:52 callback", "lines:59 awaiting, serve:53 awaiting"},
      {"connection_made:75 callback", "eof_received:78 callback"},
      {"<lambda>:132 callback", "eof_received:78 callback"},
      {"", "client:112 awaiting, main:137 awaiting"},
      {"", "plain_client:121 awaiting, main:138 awaiting"},
  };
  EXPECT_EQ(run.groups, expected);
  EXPECT_EQ(leaked(run.process), 27U);
  EXPECT_EQ(run.process.at("groups").size(), 9U);
  std::set<std::string> fingerprints;
  for (const Json& group : run.process.at("groups")) {
    EXPECT_EQ(group.at("count"), 3);
    fingerprints.insert(group.at("fingerprint"));
  }
  EXPECT_EQ(fingerprints.size(), 9U) << "the loop is the same for all, and does not count";
}

TEST(Asyncio, TheLinesThatWaitAreNamed) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  expect_lines(kPython, true);
  const Seen fixed = run_python(kPython, "py_asyncio.py", {"fixed"});
  EXPECT_THAT(fixed.groups, IsEmpty());
}

// Where the objects keep things differs from version to version: all that pyenv has here.
TEST(Asyncio, EveryVersionNamesThem) {
  const std::vector<Python> pythons = pyenv_pythons();
  if (pythons.empty()) GTEST_SKIP() << "pyenv has none here";
  for (const Python& python : pythons)
    expect_lines(python.path, python.minor >= 10);  // in the stream's protocol
}

// The other threads change what is looked at: lines may be missing then, never wrong.
TEST(Asyncio, ThreadsThatChangeEverythingMeanwhile) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  const Seen run = run_python(kPython, "py_asyncio_storm.py");
  EXPECT_EQ(leaked(run.process), 150U);
  std::uint64_t right = 0;
  for (const Json& group : run.process.at("groups")) {
    const std::string seen = joined(called_for(group.at("sighting_stack"), "py_asyncio_storm.py"));
    EXPECT_THAT(seen, testing::AnyOf("handle:43 awaiting", "handle:41 callback", ""));
    if (seen == "handle:43 awaiting") right += group.at("count").get<std::uint64_t>();
  }
  EXPECT_GE(right, 100U);
}

// The child has a recording of its own: what is known of lines is known for the parent's.
TEST(Asyncio, AChildNamesLinesThatItsParentNamedToo) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  const Tracked tracked = track({"--grace", "0"}, {kPython, script("py_asyncio_fork.py")});
  EXPECT_EQ(tracked.outcome.out, "done\n") << tracked.outcome.err;
  std::multiset<std::string> seen;
  for (const Json& process : tracked.report.at("processes")) {
    for (const Json& group : process.at("groups"))
      if (group.at("verdict") == "eof_not_closed")
        seen.insert(joined(called_for(group.at("sighting_stack"), "py_asyncio_fork.py")));
  }
  EXPECT_THAT(seen, testing::IsSupersetOf({"first:9 awaiting", "first:9 awaiting", "second:14 awaiting"}));
}

TEST(Asyncio, TheProtocolBehindTlsIsNamed) {
  if (access(kPython, X_OK) != 0) GTEST_SKIP() << kPython << " is missing";
  if (find_program("openssl").empty()) GTEST_SKIP() << "openssl is not installed";
  const TempDir directory;
  const Certificate made = make_certificate(directory.path());
  ASSERT_EQ(made.error, "");
  const Seen traced = run_python(kPython, "py_asyncio_tls.py", {made.certificate, made.key});
  EXPECT_EQ(traced.groups.count({"data_received:10 callback", "data_received:10 callback"}), 1U)
      << traced.process.dump(1);
}

}  // namespace
}  // namespace scenario
