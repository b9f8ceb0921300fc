// What the command says about itself: version, help, completion.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

// What the shell offers after `typed`, whose last word is being completed.
std::vector<std::string> offered(const std::string& shell, const std::string& typed) {
  const std::string script = "eval \"$($0 completion " + shell + ")\"\n" + R"(
    COMP_WORDS=($1 "$2"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _socktrack; echo ${COMPREPLY[@]})";
  const std::size_t last = typed.rfind(' ') + 1;
  const Outcome outcome =
      run({shell, "-c", script, command(), typed.substr(0, last), typed.substr(last)}, base_environment());
  EXPECT_EQ(outcome.err, "");
  return words(outcome.out);
}

TEST(CommandLine, VersionTellsTheBuild) {
  const Outcome outcome = run({command(), "--version"}, base_environment());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(StartsWith("socktrack "), HasSubstr("\nrecordings: layout "),
                                 HasSubstr("glibc 2."), HasSubstr("elfutils 0.")));
}

TEST(CommandLine, BashCompletes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(offered("bash", "socktrack re"), Words{"report"});
  EXPECT_EQ(offered("bash", "socktrack report --deb"), (Words{"--debug-path", "--debuginfod"}));
  EXPECT_EQ(offered("bash", "socktrack scan --s"), Words{"--stacks"});
  EXPECT_EQ(offered("bash", "socktrack --ver"), Words{"--version"});
  EXPECT_THAT(offered("bash", "socktrack run /etc/host"), Contains("/etc/hosts"));
  EXPECT_THAT(offered("bash", "socktrack run /etc/host"), Each(StartsWith("/etc/host")));
}

TEST(CommandLine, ZshTakesTheSameScript) {
  if (find_program("zsh").empty()) GTEST_SKIP() << "zsh is not installed";
  const Outcome script = run({command(), "completion", "zsh"}, base_environment());
  EXPECT_THAT(script.out, HasSubstr("bashcompinit"));
  const TempDir directory;
  std::ofstream(directory / "completion.zsh") << script.out;
  const Outcome outcome =
      run({"zsh", "-f", "-c",
           "autoload -U +X compinit && compinit -u -D && . \"$0\" && echo ${_comps[socktrack]}",
           directory / "completion.zsh"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, HasSubstr("_bash_complete"));
}

TEST(CommandLine, AnotherShellIsWrongUse) {
  const Outcome outcome = run({command(), "completion", "fish"}, base_environment());
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, Not(testing::IsEmpty()));
  EXPECT_EQ(run({command(), "completion"}, base_environment()).status, 2);
}

}  // namespace
}  // namespace scenario
