// The example of the README: what scripts/demo promises on its first screen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Json& group_of(const Json& process, const std::string& verdict) {
  for (const Json& group : process.at("groups")) {
    if (group.at("verdict") == verdict) return group;
  }
  throw std::runtime_error("no group " + verdict + " in " + process.dump(1));
}

TEST(Demo, ReportsBothLeaksOfTheExampleServerAndNothingElse) {
  if (sanitizer() == "thread") GTEST_SKIP() << "TSan puts the server's signal handler off while it waits";
  const TempDir directory;
  Arguments arguments{example("drive"), "--"};
  const Arguments tracked = tracked_command(directory, {"--grace", "0", "--json", directory / "report.json"},
                                            {example("leaky_server")});
  arguments.insert(arguments.end(), tracked.begin(), tracked.end());
  const Outcome outcome = run(arguments, base_environment());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("drove 68 clients: 23 left, 5 reset, 40 quit\n"));

  const Json process = process_of(read_report(directory / "report.json"), "/leaky_server");
  ASSERT_THAT(summary(process.at("groups")),
              ElementsAre("eof_not_closed 23 recv", "error_not_closed 5 recv ECONNRESET"));
  EXPECT_EQ(opened(process), 70U);  // the listener, 68 clients, and the one that says "shutdown"
  EXPECT_EQ(leaked(process), 28U);

  const Json& left = group_of(process, "eof_not_closed");
  EXPECT_THAT(left.at("open_stack"), Calls("accept_client"));
  EXPECT_THAT(left.at("sighting_stack"), Calls("read_request"));
  EXPECT_THAT(left.at("sibling_close_stack"), Calls("conn_close"));
  const Json& broken_off = group_of(process, "error_not_closed");
  EXPECT_THAT(broken_off.at("open_stack"), Calls("accept_client"));
  EXPECT_THAT(broken_off.at("sighting_stack"), Calls("receive_upload"));
  EXPECT_THAT(broken_off.at("sockets"), SizeIs(5));

  for (const char* text : {"23", "eof_not_closed", "error_not_closed", "read_request", "leaky_server.c:"}) {
    EXPECT_THAT(outcome.err, HasSubstr(text)) << "the text report names it";
  }
}

TEST(Demo, TheTextReportOfAHealthyRunNamesNoSite) {
  const TempDir directory;
  const Outcome outcome =
      run(tracked_command(directory, {"--grace", "0"}, {program("c_eof"), "fixed"}), base_environment());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "done\n");
  EXPECT_THAT(outcome.err, testing::Not(HasSubstr("eof_not_closed")));
}

}  // namespace
}  // namespace scenario
