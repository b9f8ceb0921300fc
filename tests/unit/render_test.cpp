// JSON against its published schema, text against what a reader must find in it.
#include "watch/render.h"

#include <gmock/gmock.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace socktrack {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

Frame frame(const std::string& function, const std::string& file, int line) {
  Frame made;
  made.module = "/usr/bin/server";
  made.build_id = "abcd";
  made.offset = 0x1234;
  made.function = function;
  made.file = file;
  made.line = line;
  return made;
}

LeakGroup leak(std::uint64_t count) {
  LeakGroup group;
  group.fingerprint = "0123456789abcdef";
  group.verdict = Verdict::eof_not_closed;
  group.severity = Severity::leak;
  group.trend = Trend::growing;
  group.count = count;
  group.median_s = 20;
  group.per_minute = 12.34567;
  group.oldest_s = 34;
  group.opened_here = 1000;
  group.closed_here = 977;
  group.open_stack = {frame("accept_client", "/src/app/server.c", 61), frame("", "", 0)};
  group.sighting_stack = {frame("handle_client", "/src/app/server.c", 80)};
  group.sibling_close_stack = {frame("finish_client", "/src/app/server.c", 99)};
  group.sibling_closes = {{0.75, 6, group.sibling_close_stack}, {0.25, 2, {frame("expire", "", 0)}}};
  group.peers = {{"10.0.0.7", 20}, {"::1", 3}};
  group.threads = {"worker-3", "worker-1"};
  group.operation = "recv";
  group.thread = "worker-3";
  group.hint = "Close it.";
  for (int fd = 7; fd < 15; ++fd) {
    SocketFacts socket;
    socket.fd = fd;
    socket.state = "CLOSE_WAIT";
    socket.local = "127.0.0.1:80";
    socket.peer = "127.0.0.1:4242";
    socket.age_s = 34;
    group.sockets.push_back(socket);
  }
  return group;
}

ProcessReport process(int pid) {
  ProcessReport made;
  made.pid = pid;
  made.exe = "/usr/bin/server";
  made.started = "2023-11-14T22:13:20.123Z";
  made.final_look = true;
  made.fds_open = 25;
  made.fds_limit = 1024;
  return made;
}

Report leaking() {
  Report report;
  ProcessReport leaky = process(123);
  leaky.exit_status = 0;
  leaky.ended = "2023-11-14T22:13:21.000Z";
  leaky.leaked = 23;
  leaky.groups = {leak(23)};
  leaky.collected = {{20, 31.4, {frame("serve", "/src/app/server.c", 12)}}};
  report.processes = {leaky};
  return report;
}

json parsed(const Report& report) { return json::parse(render_json(report)); }

std::unique_ptr<valijson::Schema> published_schema() {
  auto schema = std::make_unique<valijson::Schema>();
  const json text = json::parse(std::ifstream(SOCKTRACK_SCHEMA));
  valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(text), *schema);
  return schema;
}

// Empty if `document` follows docs/report.schema.json, else what is wrong with it.
std::string objections(const json& document) {
  static const std::unique_ptr<valijson::Schema> schema = published_schema();
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(*schema, valijson::adapters::NlohmannJsonAdapter(document), &results)) return "";
  std::string text = "invalid";
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    text += "\n";
    for (const std::string& step : error.context) text += step;
    text += ": " + error.description;
  }
  return text;
}

std::string text_of(const Report& report) { return render_text(report, TextStyle{}); }

TEST(RenderJson, FollowsTheSchema) {
  Report report = leaking();
  EXPECT_EQ(objections(parsed(report)), "");
  EXPECT_EQ(objections(parsed(Report{})), "");

  ProcessReport& process = report.processes[0];
  for (const Verdict verdict :
       {Verdict::eof_not_closed, Verdict::error_not_closed, Verdict::fin_unread, Verdict::data_unread,
        Verdict::never_accepted, Verdict::inherited, Verdict::abandoned, Verdict::half_open_peer}) {
    process.groups.push_back(leak(1));
    process.groups.back().verdict = verdict;
    process.groups.back().error = "ECONNRESET";
  }
  process.open_at_exit = {leak(1)};
  process.closed_late = {LeakGroup{leak(0)}};
  process.blind_spots = {{"io_uring", 2, "sentence"}};
  report.notes = {{"unreadable_recording", 1, "sentence"}};
  EXPECT_EQ(objections(parsed(report)), "");
}

// Takes every required key away in turn: if the schema lets one go, it is not strict.
TEST(RenderJson, TheSchemaMissesEveryKey) {
  Report report = leaking();
  report.processes[0].blind_spots = {{"io_uring", 2, "sentence"}};
  report.processes[0].open_at_exit = {leak(1)};
  const json whole = parsed(report);
  std::size_t taken = 0;
  const json flat = whole.flatten();
  for (const auto& [path, value] : flat.items()) {
    json::json_pointer at(path);
    for (; !at.empty(); at.pop_back()) {
      const json::json_pointer parent = at.parent_pointer();
      if (!whole[parent].is_object()) continue;
      json less = whole;
      less[parent].erase(at.back());
      EXPECT_NE(objections(less), "") << at.to_string();
      ++taken;
    }
  }
  EXPECT_GT(taken, 100U);
}

TEST(RenderJson, TheSchemaMissesWrongTypesAndWords) {
  const json whole = parsed(leaking());
  const std::vector<std::pair<std::string, json>> wrong = {
      {"/schema", "socktrack.report/2"},
      {"/complete", "yes"},
      {"/processes/0/pid", "123"},
      {"/processes/0/exit", "0"},
      {"/processes/0/started", "yesterday"},
      {"/processes/0/sockets/leaked", -1},
      {"/processes/0/groups/0/verdict", "healthy"},
      {"/processes/0/groups/0/fingerprint", "xyz"},
      {"/processes/0/groups/0/errno", 104},
      {"/processes/0/groups/0/open_stack/0/language", "cobol"},
      {"/processes/0/groups/0/open_stack/0/line", 0},
      {"/processes/0/groups/0/open_stack/0/inlined", nullptr},
      {"/processes/0/groups/0/sockets/0/state", "close_wait"}};
  for (const auto& [path, value] : wrong) {
    json changed = whole;
    ASSERT_TRUE(changed.contains(json::json_pointer(path))) << path;
    changed[json::json_pointer(path)] = value;
    EXPECT_NE(objections(changed), "") << path;
  }
}

TEST(RenderJson, TheRoleOfALineStandsWhereItHasOne) {
  Report report = leaking();
  EXPECT_FALSE(parsed(report)["processes"][0]["groups"][0]["open_stack"][0].contains("role"));
  for (const char* role : {"awaiting", "callback"}) {
    report.processes[0].groups[0].open_stack[0].role = role;
    EXPECT_EQ(parsed(report)["processes"][0]["groups"][0]["open_stack"][0]["role"], role);
    EXPECT_EQ(objections(parsed(report)), "");
  }
  report.processes[0].groups[0].open_stack[0].role = "sleeping";
  EXPECT_NE(objections(parsed(report)), "");
}

TEST(RenderJson, Values) {
  const json document = parsed(leaking());
  EXPECT_EQ(document["schema"], "socktrack.report/1");
  EXPECT_EQ(document["complete"], true);
  const json& process = document["processes"][0];
  EXPECT_EQ(process["pid"], 123);
  EXPECT_EQ(process["exit"], 0);
  EXPECT_EQ(process["fds"], json({{"open", 25}, {"limit", 1024}}));
  EXPECT_EQ(process["sockets"]["leaked"], 23);
  const json& group = process["groups"][0];
  EXPECT_EQ(group["verdict"], "eof_not_closed");
  EXPECT_EQ(group["count"], 23);
  EXPECT_EQ(group["per_minute"], 12.346);
  EXPECT_EQ(group["operation"], "recv");
  EXPECT_EQ(group["open_stack"][0]["function"], "accept_client");
  EXPECT_EQ(group["open_stack"][0]["offset"], 0x1234);
  EXPECT_EQ(group["sockets"].size(), 8U);
  EXPECT_EQ(group["sockets"][0]["peer"], "127.0.0.1:4242");
}

TEST(RenderJson, WhatIsNotKnownIsNull) {
  Report report = leaking();
  report.processes[0].ended = "";
  report.processes[0].exit_status.reset();
  report.processes[0].groups[0].operation = "";
  report.processes[0].groups[0].open_stack[1].module = "";
  const json process = parsed(report)["processes"][0];
  EXPECT_EQ(process["ended"], nullptr);
  EXPECT_EQ(process["exit"], nullptr);
  EXPECT_EQ(process["recording"], nullptr);
  const json& group = process["groups"][0];
  EXPECT_EQ(group["errno"], nullptr);
  EXPECT_EQ(group["operation"], nullptr);
  for (const char* key : {"module", "function", "file", "line"}) {
    EXPECT_EQ(group["open_stack"][1][key], nullptr) << key;
  }
}

TEST(RenderJson, BytesThatAreNotUtf8AreReplaced) {
  Report report = leaking();
  report.processes[0].exe = "/tmp/\xff\xfe/server";
  report.processes[0].groups[0].thread = "\xc3";
  const json document = parsed(report);
  EXPECT_EQ(document["processes"][0]["exe"], "/tmp/\xef\xbf\xbd\xef\xbf\xbd/server");
  EXPECT_EQ(objections(document), "");
}

TEST(RenderText, BottomLineFirst) {
  EXPECT_THAT(text_of(leaking()), StartsWith("23 leaked sockets in 1 leak site: server (pid 123, exit 0), "
                                             "25 of 1024 descriptors open\n"));
  Report clean;
  clean.processes = {process(9)};
  clean.processes[0].opened = 4;
  clean.processes[0].closed = 4;
  EXPECT_EQ(text_of(clean),
            "no leaked sockets: server (pid 9), 4 opened, 4 closed, 25 of 1024 descriptors open\n");
  EXPECT_EQ(text_of(Report{}), "nothing recorded: no program opened a socket\n");
}

TEST(RenderText, AGroupTellsItsStory) {
  const std::string text = text_of(leaking());
  EXPECT_THAT(
      text,
      HasSubstr(
          "23 sockets: the peer closed, the program was told, and did not close\n"
          "  23 of 1000 sockets opened at accept_client (server.c:61) leak; 75 % of the others are closed at "
          "finish_client (server.c:99); these saw end of stream at handle_client (server.c:80)\n"
          "  eof_not_closed, 12.3 per minute, oldest 34 s, median 20 s, growing, fingerprint "
          "0123456789abcdef\n"
          "  peers: 10.0.0.7 (20), ::1 (3)\n"
          "  threads: worker-3, worker-1\n"
          "  hint: Close it.\n"
          "  opened at\n"
          "    #0  accept_client  app/server.c:61\n"
          "    #1  0x1234         (server)\n"
          "  end of stream seen by recv in thread worker-3 at\n"
          "    #0  handle_client  app/server.c:80\n"
          "  977 other sockets opened here were closed, mostly at\n"
          "    #0  finish_client  app/server.c:99\n"
          "  sampled closes: 75 % finish_client (server.c:99), 25 % expire (server)\n"
          "  sockets\n"
          "    fd 7     127.0.0.1:80 <- 127.0.0.1:4242  CLOSE_WAIT, 0 unread, 34 s\n"));
  EXPECT_THAT(text, HasSubstr("    ... 18 more\n"));
  EXPECT_THAT(text, Not(HasSubstr("\033")));
}

TEST(RenderText, WhatOnlyTheCollectorClosesIsNoLeakButTold) {
  Report report;
  report.processes = {process(7)};
  Frame line = frame("shop.Server.serve", "Server.java", 12);
  line.language = "java";
  report.processes[0].collected = {{20, 31.4, {line}}};
  EXPECT_THAT(
      text_of(report),
      HasSubstr("no leaks, but nobody closes them: 20 sockets closed by the garbage collector, after up to "
                "31 s: opened in shop.Server.serve Server.java:12"));
  LeakGroup group = leak(3);
  group.late_closes = group.collected = 5;
  group.sibling_closes = {{1, 8, {line}, true}};
  report.processes[0].groups = {group};
  const std::string text = text_of(report);
  EXPECT_THAT(text, HasSubstr("5 more closed by the garbage collector alone"));
  EXPECT_THAT(text, HasSubstr("the others are closed by the garbage collector alone;"));
  EXPECT_THAT(text, Not(HasSubstr("closed later than the grace")));
}

TEST(RenderText, ErrorsAreNamed) {
  Report report = leaking();
  LeakGroup& group = report.processes[0].groups[0];
  group.verdict = Verdict::error_not_closed;
  group.error = "ECONNRESET";
  group.thread = "";
  EXPECT_THAT(text_of(report), HasSubstr("  ECONNRESET from recv at\n"));
}

TEST(RenderText, LeaksComeBeforeOtherFindings) {
  Report report = leaking();
  LeakGroup idle = leak(500);
  idle.verdict = Verdict::fin_unread;
  idle.severity = Severity::info;
  report.processes[0].groups.insert(report.processes[0].groups.begin(), idle);
  report.processes[0].open_at_exit = {leak(2)};
  LeakGroup late = leak(0);
  late.late_closes = 3;
  report.processes[0].closed_late = {late};
  report.processes[0].blind_spots = {{"io_uring", 2, "The program uses io_uring."}};
  const std::string text = text_of(report);
  EXPECT_THAT(text, StartsWith("23 leaked sockets in 1 leak site"));
  EXPECT_LT(text.find("\n23 sockets: "), text.find("\n500 sockets, no leak: "));
  EXPECT_LT(text.find("500 sockets"), text.find("not leaks: 2 sockets still open"));
  EXPECT_THAT(text, AllOf(HasSubstr("not leaks: 3 sockets closed after all"),
                          HasSubstr("opened in accept_client app/server.c:61"),
                          HasSubstr("note: The program uses io_uring. [io_uring 2 times]\n")));
}

TEST(RenderText, DeepStacksAreCut) {
  std::vector<Frame> frames(20, frame("f", "a.c", 1));
  frames[0].inlined = true;
  frames[1].role = "awaiting";
  const std::vector<std::string> lines = stack_lines(frames);
  ASSERT_EQ(lines.size(), 17U);
  EXPECT_EQ(lines[0], "#0  f  a.c:1 [inlined]");
  EXPECT_EQ(lines[1], "#1  f  a.c:1 [awaiting]");
  EXPECT_EQ(lines[16], "... 4 more");
}

TEST(RenderText, RunsOfTheJdkAreOneLine) {
  std::vector<Frame> frames{frame("recv", "", 0)};
  const auto add = [&](const std::string& function, int count) {
    for (int i = 0; i < count; ++i) {
      frames.push_back(frame(function + std::to_string(i), "A.java", i + 1));
      frames.back().language = "java";
    }
  };
  add("sun.nio.Read", 4);
  EXPECT_THAT(stack_lines(frames), SizeIs(5)) << "nothing but the JDK";
  add("shop.Server.read", 1);
  add("java.util.Call", 3);
  add("shop.Server.run", 1);
  add("java.lang.Thread.run", 3);
  EXPECT_THAT(stack_lines(frames),
              ElementsAre(StartsWith("#0  recv"), "... 3 frames of the JDK", StartsWith("#4  sun.nio.Read3"),
                          StartsWith("#5  shop.Server.read0"), StartsWith("#6  java.util.Call0"),
                          StartsWith("#7  java.util.Call1"), StartsWith("#8  java.util.Call2"),
                          StartsWith("#9  shop.Server.run0"), "... 3 frames of the JDK"));
}

TEST(RenderText, ManyProcessesAreSummedUp) {
  Report report = leaking();
  for (int pid = 200; pid < 220; ++pid) report.processes.push_back(process(pid));
  ProcessReport killed = process(300);
  killed.final_look = false;
  killed.exit_status = 137;
  report.processes.push_back(killed);
  const std::string text = text_of(report);
  EXPECT_THAT(text, StartsWith("23 leaked sockets in 1 leak site, in 1 of 22 processes\n\n23 leaked"));
  EXPECT_THAT(text, HasSubstr("server (pid 300, exit 137, ended before a last look)"));
  EXPECT_THAT(text,
              HasSubstr("20 processes with nothing to tell (0 sockets opened): server 200, server 201"));
}

TEST(RenderText, NothingOfTheProgramControlsTheTerminal) {
  Report report = leaking();
  report.processes[0].exe = "/bin/\033[31mevil\n";
  report.processes[0].groups[0].thread = "\033]0;x\a";
  report.processes[0].groups[0].open_stack[0].function = "f\r\b";
  const std::string text = text_of(report);
  EXPECT_EQ(text.find_first_of("\033\a\r\b"), std::string::npos);
  EXPECT_THAT(text, HasSubstr("?[31mevil?"));
}

TEST(RenderText, StyleAddsPrefixAndColour) {
  TextStyle style;
  style.prefix = "socktrack: ";
  style.colour = true;
  style.sockets_shown = 2;
  std::istringstream lines(render_text(leaking(), style));
  std::size_t sockets = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, StartsWith("socktrack: "));
    sockets += line.find(" fd ") == std::string::npos ? 0 : 1;
  }
  EXPECT_EQ(sockets, 2U);
  EXPECT_THAT(render_text(leaking(), style), HasSubstr("\033[1;31m23 leaked sockets in 1 leak site\033[0m"));
}

}  // namespace
}  // namespace socktrack
