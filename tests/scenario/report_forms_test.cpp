// The forms of the report on a real leak; the page in a real browser.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string content(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

Outcome report(const Arguments& options) {
  Arguments all{command(), "report"};
  all.insert(all.end(), options.begin(), options.end());
  return run(all, base_environment());
}

// The recordings of a program that leaks.
std::string leak_into(const TempDir& directory, const std::string& name) {
  run(tracked_command(directory, {"--grace", "0"}, {program(name)}), base_environment());
  return directory / "recordings";
}

TEST(ReportForms, FoldedAndDiff) {
  const TempDir first, second;
  const std::string before = leak_into(first, "c_eof"), after = leak_into(second, "cpp_pool");
  const Outcome folded = report({before, "--folded"});
  EXPECT_EQ(folded.status, 0) << folded.err;
  // In a sanitizer build its runtime makes the program's calls.
  EXPECT_THAT(folded.out, AllOf(StartsWith("c_eof;"),
                                ContainsRegex(";main;serve_one;accept_client(;__interceptor_accept)? 23\n")));
  EXPECT_THAT(report({before, "--folded=sighting"}).out,
              ContainsRegex(";read_request(;__interceptor_recv)? 23\n"));
  EXPECT_THAT(report({"--diff", before, after}).out, AllOf(HasSubstr("1 gone"), HasSubstr("23 -> 0")));
  EXPECT_THAT(report({"--diff", before, before}).out, StartsWith("0 new, 0 growing, 1 same"));
  EXPECT_EQ(report({before, "--folded", "--json"}).status, 2);
  EXPECT_EQ(report({before, "--folded=nothing"}).status, 2);
  EXPECT_EQ(report({"--diff", before}).status, 2);
}

TEST(ReportForms, NamesFromASysroot) {
  const TempDir directory, elsewhere;
  const std::string recordings = leak_into(directory, "c_eof");
  EXPECT_THAT(report({recordings, "--sysroot", elsewhere.path()}).out, Not(HasSubstr("read_request")));
  std::filesystem::create_directories(elsewhere.path() +
                                      std::filesystem::path(program("c_eof")).parent_path().string());
  std::filesystem::copy_file(program("c_eof"), elsewhere.path() + program("c_eof"));
  EXPECT_THAT(report({recordings, "--sysroot", elsewhere.path()}).out, HasSubstr("read_request"));
}

TEST(ReportForms, ThePageInABrowser) {
  const std::string browser = find_program("chromium");
  if (browser.empty()) GTEST_SKIP() << "chromium is not installed";
  const TempDir directory;
  const std::string recordings = leak_into(directory, "c_eof");
  const std::string page = directory / "leaks.html", picture = directory / "leaks.png";
  const Outcome written = report({recordings, "--html", page});
  ASSERT_EQ(written.status, 0) << written.err;
  const Arguments headless{browser,
                           "--headless",
                           "--no-sandbox",
                           "--disable-gpu",
                           "--window-size=1300,1500",
                           "--user-data-dir=" + (directory / "profile")};
  const auto browse = [&](const std::string& option) {
    Arguments all = headless;
    all.push_back(option);
    all.push_back("file://" + page);
    return run(all);
  };
  const std::string shown = browse("--dump-dom").out;
  EXPECT_THAT(shown, HasSubstr("data-ready=\"yes\"")) << "the script ran to its end";
  EXPECT_THAT(shown,
              AllOf(HasSubstr(">23 leaked sockets in 1 leak site</h1>"), HasSubstr("<b>read_request</b>"),
                    HasSubstr("<h3>its siblings are closed at</h3>"), HasSubstr("class=\"card timeline\""),
                    HasSubstr("class=\"curve live\""), HasSubstr("class=\"curve leaked\""),
                    HasSubstr("<span class=\"hit\">"), HasSubstr("accept_client: 23 sockets")));
  browse("--screenshot=" + picture);
  EXPECT_THAT(content(picture), StartsWith("\x89PNG"));
  EXPECT_GT(std::filesystem::file_size(picture), 20'000U) << "not an empty page";
}

}  // namespace
}  // namespace scenario
