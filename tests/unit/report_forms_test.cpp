// The report in other clothes: folded, redacted, as a page, as a difference.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/redact.h"
#include "cli/render_folded.h"
#include "cli/render_html.h"
#include "cli/report_diff.h"
#include "watch/render.h"

namespace socktrack {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Frame frame(const std::string& function, const std::string& file = "", int line = 0) {
  Frame made;
  made.module = "/home/alice/bin/server";
  made.function = function;
  made.file = file;
  made.line = line;
  return made;
}

LeakGroup group(const std::string& fingerprint, std::uint64_t count) {
  LeakGroup made;
  made.fingerprint = fingerprint;
  made.verdict = Verdict::eof_not_closed;
  made.count = count;
  made.open_stack = {frame("accept_one", "/home/alice/src/server.c", 7), frame("main")};
  made.sighting_stack = {frame("read;all"), frame("main")};
  return made;
}

Report report(const std::vector<LeakGroup>& groups) {
  ProcessReport process;
  process.pid = 7;
  process.exe = "/home/alice/bin/server";
  process.recording = "/run/user/1000/socktrack/7.socktrack";
  process.groups = groups;
  Report made;
  made.processes.push_back(process);
  return made;
}

TEST(Folded, OutermostFirstAndEqualStacksTogether) {
  const Report two = report({group("a", 3), group("b", 4)});
  EXPECT_EQ(render_folded(two, FoldedBy::open_site), "server;main;accept_one 7\n");
  EXPECT_EQ(render_folded(two, FoldedBy::sighting_site), "server;main;read:all 7\n");
  LeakGroup unseen = group("c", 1);
  unseen.sighting_stack.clear();
  EXPECT_EQ(render_folded(report({unseen}), FoldedBy::sighting_site), "server;(not seen) 1\n");
  EXPECT_EQ(render_folded(report({}), FoldedBy::open_site), "");
}

TEST(Redact, AddressesAndHomesAreHiddenTheSameOnesAlike) {
  LeakGroup talkative = group("a", 2);
  talkative.peers = {{"10.1.2.3", 1}, {"127.0.0.1", 1}, {"2001:db8::9", 1}};
  SocketFacts first, second, named;
  first.local = "10.1.2.3:80";
  first.peer = "[2001:db8::9]:4242";
  second.local = "127.0.0.1:80";
  second.peer = "10.1.2.4:1";
  named.local = "/home/alice/secret.sock";
  talkative.sockets = {first, second, named};
  Report shown = report({talkative});
  redact(shown);
  const LeakGroup& redacted = shown.processes.front().groups.front();
  EXPECT_EQ(redacted.sockets[0].local, redacted.peers[0].address + ":80");
  EXPECT_EQ(redacted.sockets[0].peer, redacted.peers[2].address + ":4242");
  EXPECT_EQ(redacted.sockets[1].local, "127.0.0.1:80");
  const std::string all = render_json(shown);
  for (const char* secret : {"10.1.2", "2001:db8", "alice", "secret", "/run/user"}) {
    EXPECT_THAT(all, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(all, AllOf(HasSubstr("/home/user/src/server.c"), HasSubstr("127.0.0.1")));
}

TEST(Redact, NamesThatHoldAnAddressAndRulesAboutPeers) {
  LeakGroup named = group("a", 1);
  named.thread = "to-10.1.2.3";
  named.threads = {"to-10.1.2.3", "2001:db8::9 reader", "f::x 1:2 3.4.5"};
  named.pools = {"db 10.1.2.4:5432"};
  named.evidence.threads_now = "to-10.1.2.3 x2 in futex";
  Report shown = report({named});
  shown.processes.front().suppressed = {{group("b", 1), "/home/alice/quiet:7 (frame:x peer:10.1.*)"}};
  shown.notes = {{"unused_suppression", 1, "Nothing is suppressed by quiet:8 (peer:\"10.1.9.9\")."}};
  redact(shown);
  const LeakGroup& redacted = shown.processes.front().groups.front();
  EXPECT_THAT(redacted.threads, testing::ElementsAre("to-host-1", "host-2 reader", "f::x 1:2 3.4.5"));
  EXPECT_EQ(redacted.thread, "to-host-1");
  EXPECT_THAT(redacted.pools, testing::ElementsAre("db host-3:5432"));
  EXPECT_EQ(redacted.evidence.threads_now, "to-host-1 x2 in futex");
  EXPECT_EQ(shown.processes.front().suppressed.front().rule, "/home/user/quiet:7 (frame:x peer:(hidden))");
  for (const std::string& all : {render_json(shown), render_html(shown, Sources::no), render_text(shown, {})})
    EXPECT_THAT(all, AllOf(Not(HasSubstr("10.1.")), Not(HasSubstr("2001:db8")), Not(HasSubstr("alice"))));
}

TEST(Diff, ByFingerprintOverAllProcesses) {
  Report before = report({group("gone", 1), group("same", 2), group("less", 9), group("more", 4)});
  Report after = report({group("same", 2), group("less", 8), group("more", 3), group("new", 1)});
  after.processes.push_back(report({group("more", 3)}).processes.front());
  std::vector<std::string> order;
  for (const GroupChange& each : changes_between(before, after)) {
    order.push_back(each.fingerprint + " " + std::to_string(each.before) + "-" + std::to_string(each.after));
  }
  EXPECT_THAT(order, testing::ElementsAre("new 0-1", "more 4-6", "same 2-2", "less 9-8", "gone 1-0"));
  const std::string text = render_diff_text(changes_between(before, after), false);
  EXPECT_THAT(text, AllOf(testing::StartsWith("1 new, 1 growing, 1 same, 1 shrinking, 1 gone\n"),
                          HasSubstr("opened at accept_one server.c:7")));
  const auto json = nlohmann::json::parse(render_diff_json(changes_between(before, after)));
  EXPECT_EQ(json["groups"][1]["change"], "growing");
  EXPECT_EQ(render_diff_text({}, false), "0 new, 0 growing, 0 same, 0 shrinking, 0 gone\n");
}

TEST(Html, NoNameBreaksOutOfTheData) {
  LeakGroup hostile = group("a", 1);
  hostile.open_stack = {frame("</script><script>alert(1)</script><!--")};
  const std::string page = render_html(report({hostile}), Sources::yes);
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  const std::string mark = R"(<script id="data" type="application/json">)";
  const std::size_t start = page.find(mark) + mark.size();
  const auto data = nlohmann::json::parse(page.substr(start, page.find("</script>", start) - start));
  EXPECT_EQ(data["report"]["processes"][0]["groups"][0]["open_stack"][0]["function"],
            "</script><script>alert(1)</script><!--");
  for (const char* from_elsewhere : {"src=", "href=", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(from_elsewhere)));
}

}  // namespace
}  // namespace socktrack
