// Names of a program whose debug information lies elsewhere: in a directory, or with a server that is only
// asked by those who say so.
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Answers each request with the same file, and tells its port and what it was asked for.
constexpr const char* kServer = R"(
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        body = open(sys.argv[1], 'rb').read()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
)";

class DebugFiles : public testing::Test {
 protected:
  void SetUp() override {
    stripped_ = directory_ / "c_eof";
    debug_ = directory_ / "kept-apart";  // beside the program and named like it, it would be found
    ASSERT_EQ(run({"objcopy", "--only-keep-debug", program("c_eof"), debug_}).status, 0);
    ASSERT_EQ(run({"objcopy", "--strip-all", program("c_eof"), stripped_}).status, 0);
    run(tracked_command(directory_, {"--grace", "0"}, {stripped_}), base_environment());
  }
  Outcome report(const Arguments& options, const Environment& added = {}) const {
    Arguments all{command(), "report", directory_ / "recordings"};
    all.insert(all.end(), options.begin(), options.end());
    Environment environment = base_environment();
    environment.insert(added.begin(), added.end());
    return run(all, environment);
  }
  // As the notes of the file have it.
  std::string build_id() const {
    const std::string notes = run({"readelf", "-n", stripped_}).out;
    const std::string mark = "Build ID: ";
    const auto at = notes.find(mark);
    return at == std::string::npos ? "" : notes.substr(at + mark.size(), 40);
  }

  TempDir directory_;
  std::string stripped_, debug_;
};

TEST_F(DebugFiles, InADirectory) {
  EXPECT_THAT(report({}).out, AllOf(HasSubstr("23 leaked sockets"), Not(HasSubstr("read_request"))));
  const std::string id = build_id();
  ASSERT_EQ(id.size(), 40U);
  const std::string home = directory_ / "debug/.build-id/" + id.substr(0, 2);
  std::filesystem::create_directories(home);
  std::filesystem::copy_file(debug_, home + "/" + id.substr(2) + ".debug");
  EXPECT_THAT(report({"--debug-path", directory_ / "debug"}).out,
              AllOf(HasSubstr("read_request"), HasSubstr("c_eof.c:")));
  EXPECT_EQ(report({"--debug-path", directory_ / "nowhere"}).status, 0) << "names are missing, no more";
}

TEST_F(DebugFiles, FromAServerOnlyIfAsked) {
  if (run({"sh", "-c", "ldconfig -p | grep -q libdebuginfod.so.1"}).status != 0)
    GTEST_SKIP() << "elfutils has no libdebuginfod here";
  Process server({"python3", "-c", kServer, debug_});
  const Environment servers{{"DEBUGINFOD_URLS", "http://127.0.0.1:" + server.line()},
                            {"DEBUGINFOD_CACHE_PATH", directory_ / "cache"}};
  EXPECT_THAT(report({}, servers).out, Not(HasSubstr("read_request")));
  EXPECT_THAT(report({"--debuginfod"}, servers).out, AllOf(HasSubstr("read_request"), HasSubstr("c_eof.c:")));
  server.send_signal(SIGTERM);
  const std::string asked = server.wait().out;
  EXPECT_EQ(asked.find("/buildid/" + build_id() + "/debuginfo"), asked.find("/buildid/"))
      << "the first request is that of the report that may ask: " << asked;
  EXPECT_THAT(report({"--debuginfod"}, servers).status, 0) << "a server that is gone is no error";
}

}  // namespace
}  // namespace scenario
