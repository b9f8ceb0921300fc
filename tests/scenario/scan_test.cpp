// The outside view on programs that nothing was put into.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <map>

#include "harness/socktrack.h"

namespace scenario {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// "eof_not_closed", or with a note "fin_unread, TLS close_notify": how many sockets.
using Findings = std::map<std::string, int>;

Json scan(const Arguments& options) {
  Arguments all{command(), "scan", "--json", "--grace", "0"};
  all.insert(all.end(), options.begin(), options.end());
  const Outcome outcome = run(all, base_environment());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return parse_scan(outcome.out);
}

Json groups_of(const Json& scan, pid_t pid) {
  for (const Json& process : scan.at("processes")) {
    if (process.at("pid") == pid) return process.at("groups");
  }
  return Json::array();
}

Json group_of(const Json& scan, pid_t pid, const std::string& finding) {
  for (const Json& group : groups_of(scan, pid)) {
    if (group.at("finding") == finding && group.at("note").is_null()) return group;
  }
  throw std::runtime_error("no group " + finding + " in " + scan.dump(1));
}

Findings findings(const Json& scan, pid_t pid) {
  Findings found;
  for (const Json& group : groups_of(scan, pid)) {
    const std::string note = group.at("note").is_null() ? "" : ", " + group.at("note").get<std::string>();
    found[group.at("finding").get<std::string>() + note] += group.at("count").get<int>();
  }
  return found;
}

const Findings kAllKinds = {{"eof_not_closed", 5}, {"fin_unread", 3},     {"fin_unread, TLS close_notify", 1},
                            {"data_unread", 2},    {"never_accepted", 4}, {"unconnected", 3},
                            {"peer_gone", 1}};

// The peer's FIN has arrived when the kernel says so: a moment after close() at the latest.
bool shows(pid_t pid, const Findings& expected) {
  return eventually([&] { return findings(scan({std::to_string(pid)}), pid) == expected; });
}

TEST(Scan, NamesEveryKindOfDeadSocket) {
  for (const char* name : {"dead_sockets", "static_dead_sockets"}) {
    Process process({program(name)});
    ASSERT_EQ(process.line(), "ready");
    EXPECT_TRUE(shows(process.pid(), kAllKinds)) << name << scan({std::to_string(process.pid())}).dump(1);
    EXPECT_EQ(process.finish().status, 0);
  }
}

TEST(Scan, TellsWhoWhereAndWhatItWaitsFor) {
  Process process({program("dead_sockets")});
  ASSERT_EQ(process.line(), "ready");
  ASSERT_TRUE(shows(process.pid(), kAllKinds));
  const Json document = scan({std::to_string(process.pid()), "--stacks"});

  const Json eof = group_of(document, process.pid(), "eof_not_closed");
  EXPECT_TRUE(eof.at("inbound"));
  EXPECT_EQ(eof.at("in_epoll"), 0);
  EXPECT_THAT(eof.at("peers").dump(), HasSubstr(R"("address":"127.0.0.1","count":5)"));
  EXPECT_THAT(eof.at("advice").get<std::string>(), HasSubstr("socktrack run -- dead_sockets"));
  for (const Json& socket : eof.at("sockets")) {
    const Json holder = socket.at("holders").at(0);
    EXPECT_EQ(holder.at("pid"), process.pid());
    struct stat facts {};
    const std::string link =
        "/proc/" + std::to_string(process.pid()) + "/fd/" + std::to_string(holder.at("fd").get<int>());
    ASSERT_EQ(stat(link.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_ino, socket.at("inode").get<ino_t>());
    EXPECT_EQ(socket.at("state"), "CLOSE_WAIT");
    EXPECT_EQ(socket.at("recv_q"), 0);
    EXPECT_GT(socket.at("cookie").get<std::uint64_t>(), 0U);
  }
  EXPECT_EQ(group_of(document, process.pid(), "data_unread").at("in_epoll"), 2);
  const Json waiting = group_of(document, process.pid(), "never_accepted");
  EXPECT_EQ(waiting.at("accept_queue"), Json({{"length", 4}, {"limit", 128}}));
  EXPECT_EQ(waiting.at("service"), eof.at("service"));

  const Json owner = document.at("processes").at(0);
  EXPECT_EQ(owner.at("name"), "dead_sockets");
  EXPECT_EQ(owner.at("dead"), 19);
  const std::filesystem::directory_iterator fds("/proc/" + std::to_string(process.pid()) + "/fd"), end;
  EXPECT_EQ(owner.at("fds").at("open"), std::distance(fds, end));
  EXPECT_EQ(owner.at("threads").at(0).at("doing"), "read(fd 0)");
  EXPECT_THAT(owner.at("stacks").at(0).at("frames"), Calls("main"));
  EXPECT_EQ(process.finish().status, 0) << "read() was not interrupted";
}

TEST(Scan, TellsWhyTheLibraryKeepsOut) {
  if (!sanitizer().empty()) GTEST_SKIP() << "the runtimes of the sanitizers make calls of their own";
  const TempDir directory;
  const Environment environment = preload_environment(directory);
  Process process({program("behind_filter"), "service", program("hold"), "2"}, environment);
  ASSERT_THAT(process.line(), HasSubstr("ready"));
  const std::string pid = std::to_string(process.pid());
  const auto tells = HasSubstr("SOCKTRACK_INHERITED_FILTER=trust");
  ASSERT_TRUE(shows(process.pid(), {{"eof_not_closed", 2}}));
  EXPECT_THAT(group_of(scan({pid}), process.pid(), "eof_not_closed").at("advice").get<std::string>(), tells);
  EXPECT_THAT(run({command(), "check", pid}, base_environment()).out, tells);
  EXPECT_THAT(run({command(), "top", "--once", pid}, base_environment()).err, tells);
  process.finish();

  Environment trusting = environment;
  trusting["SOCKTRACK_INHERITED_FILTER"] = "trust";
  Process trusted({program("behind_filter"), "service", program("hold"), "2"}, trusting);
  ASSERT_THAT(trusted.line(), HasSubstr("ready"));
  EXPECT_THAT(run({command(), "check", std::to_string(trusted.pid())}, base_environment()).out,
              HasSubstr("It is tracked already"));
  trusted.finish();
}

TEST(Scan, YoungOnesAreNotSpokenOf) {
  Process process({program("hold"), "2"});
  ASSERT_THAT(process.line(), HasSubstr("ready"));
  const Outcome outcome =
      run({command(), "scan", "--grace", "1h", std::to_string(process.pid())}, base_environment());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("no sockets whose peer has closed (1 process looked at)"),
                                 HasSubstr("2 sockets: the peer closed a moment ago")));
  process.finish();
}

TEST(Scan, FollowsWhatTheProgramDoes) {
  Process process({program("hold"), "2"});
  ASSERT_THAT(process.line(), HasSubstr("ready"));
  EXPECT_TRUE(shows(process.pid(), {{"eof_not_closed", 2}}));
  process.say("leak\n");
  ASSERT_EQ(process.line(), "leaked");
  EXPECT_TRUE(shows(process.pid(), {{"eof_not_closed", 3}}));
  process.say("close\n");
  ASSERT_EQ(process.line(), "closed");
  EXPECT_TRUE(shows(process.pid(), {}));
  process.finish();
}

TEST(Scan, PythonAndJava) {
  Process python({"/usr/bin/python3", script("py_dead.py")});
  ASSERT_EQ(python.line(), "ready");
  EXPECT_TRUE(shows(python.pid(), {{"eof_not_closed", 6}, {"fin_unread", 2}}));
  python.finish();
  if (java_classes("programs").empty()) GTEST_SKIP() << "no JDK when this was configured";
  Process java({find_program("java"), "-cp", java_classes("programs"), "DeadSockets"});
  ASSERT_EQ(java.line(), "ready");
  EXPECT_TRUE(shows(java.pid(), {{"eof_not_closed", 3}}));
  EXPECT_EQ(group_of(scan({std::to_string(java.pid())}), java.pid(), "eof_not_closed")
                .at("peers")
                .at(0)
                .at("address"),
            "127.0.0.1")
      << "an IPv4 peer of an IPv6 socket";
  java.finish();
}

TEST(Scan, WatchTellsGrowth) {
  Process process({program("hold"), "2"});
  ASSERT_THAT(process.line(), HasSubstr("ready"));
  ASSERT_TRUE(shows(process.pid(), {{"eof_not_closed", 2}}));
  Process scanner({command(), "scan", "--grace", "0", "--watch", "50ms", std::to_string(process.pid())},
                  base_environment());
  while (scanner.line().find("2 sockets: the end") == std::string::npos) {
  }
  process.say("leak\n");
  ASSERT_EQ(process.line(), "leaked");
  std::string line;
  while ((line = scanner.line()).find("3 sockets: the end") == std::string::npos &&
         line.find("3 sockets (+1): the end") == std::string::npos) {
  }
  EXPECT_THAT(line, HasSubstr("(+1)"));
  scanner.send_signal(SIGINT);
  EXPECT_EQ(scanner.wait().status, 128 + SIGINT);
  process.finish();
}

TEST(Scan, JsonOfAWatchIsALineEach) {
  Process process({program("hold"), "2"});
  ASSERT_THAT(process.line(), HasSubstr("ready"));
  Process scanner({command(), "scan", "--json", "--watch", "10ms", std::to_string(process.pid())},
                  base_environment());
  for (int look = 0; look < 3; ++look) EXPECT_EQ(parse_scan(scanner.line()).at("processes_looked_at"), 1);
  scanner.send_signal(SIGTERM);
  scanner.wait();
  process.finish();
}

TEST(Scan, OtherNetworkNamespacesAreEntered) {
  if (run({"unshare", "--net", "true"}).status != 0) GTEST_SKIP() << "no right to make a network namespace";
  Process process({"unshare", "--net", "sh", "-c", "ip link set lo up && exec \"$0\" 2", program("hold")});
  ASSERT_THAT(process.line(), HasSubstr("ready"));
  EXPECT_TRUE(shows(process.pid(), {{"eof_not_closed", 2}}));
  EXPECT_TRUE(eventually([&] {
    return findings(scan({"--all"}), process.pid()) == Findings{{"eof_not_closed", 2}};
  }));
  process.finish();
}

TEST(Scan, WithoutPrivilegeItSeesItsOwnAndSaysWhatNot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can try another user";
  const Arguments as_nobody{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  const auto with = [&](const Arguments& added) {
    Arguments all = as_nobody;
    all.insert(all.end(), added.begin(), added.end());
    return all;
  };
  if (run(with({command(), "--version"}), base_environment()).status != 0) {
    GTEST_SKIP() << "nobody may not run the command here";
  }
  Process theirs({program("hold"), "1"});
  Process own(with({program("hold"), "2"}));
  ASSERT_THAT(theirs.line(), HasSubstr("ready"));
  ASSERT_THAT(own.line(), HasSubstr("ready"));
  const auto scan_as_nobody = [&](const Arguments& options) {
    Arguments all{command(), "scan", "--grace", "0"};
    all.insert(all.end(), options.begin(), options.end());
    return run(with(all), base_environment());
  };
  EXPECT_TRUE(eventually([&] {
    const Outcome outcome = scan_as_nobody({"--json"});
    return findings(parse_scan(outcome.out), own.pid()) == Findings{{"eof_not_closed", 2}};
  }));
  const Outcome all = scan_as_nobody({"--all"});
  EXPECT_THAT(all.out, HasSubstr("Processes whose descriptors only their owner or root may list."));
  const Outcome refused = scan_as_nobody({std::to_string(theirs.pid())});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("may be listed by its owner and by root only"));
  theirs.finish();
  own.finish();
}

TEST(Scan, WrongUse) {
  const auto status = [](const Arguments& options) {
    Arguments all{command(), "scan"};
    all.insert(all.end(), options.begin(), options.end());
    return run(all, base_environment());
  };
  EXPECT_EQ(status({"2147483646"}).status, 1);
  EXPECT_THAT(status({"2147483646"}).err, HasSubstr("there is no process 2147483646"));
  EXPECT_EQ(status({"abc"}).status, 2);
  EXPECT_EQ(status({"--watch", "soon"}).status, 2);
  EXPECT_EQ(status({"1", "--all"}).status, 2);
}

}  // namespace
}  // namespace scenario
