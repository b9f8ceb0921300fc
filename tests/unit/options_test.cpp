#include "watch/options.h"

#include "watch/ladder_words.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace socktrack {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000, kSecond = 1000 * kMillisecond;

std::uint64_t duration(std::string_view text) {
  std::uint64_t ns = 12345;
  EXPECT_TRUE(parse_duration(text, ns)) << text;
  return ns;
}

TEST(Duration, AllForms) {
  EXPECT_EQ(duration("0"), 0U);
  EXPECT_EQ(duration("7"), 7 * kSecond);
  EXPECT_EQ(duration("500ms"), 500 * kMillisecond);
  EXPECT_EQ(duration("2s"), 2 * kSecond);
  EXPECT_EQ(duration("1.5s"), 1500 * kMillisecond);
  EXPECT_EQ(duration("0.25"), 250 * kMillisecond);
  EXPECT_EQ(duration("10m"), 600 * kSecond);
  EXPECT_EQ(duration("1h"), 3600 * kSecond);
  EXPECT_EQ(duration("0.1h"), 360 * kSecond);
  EXPECT_EQ(duration("0.0000000019s"), 1U) << "digits below a nanosecond count nothing";
  EXPECT_EQ(duration("8760h"), 8760 * 3600 * kSecond) << "a year is the most";
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"",
                           "s",
                           "ms",
                           "-1s",
                           "+1",
                           " 1s",
                           "1s ",
                           "1 s",
                           "1.",
                           ".5",
                           "1..5",
                           "1.s",
                           "2S",
                           "2sec",
                           "1d",
                           "1e3",
                           "0x10",
                           "1,5s",
                           "8761h",
                           "8760.1h",
                           "31536001",
                           "18446744073709551616",
                           "99999999999999999999999999999h",
                           "1\n",
                           "inf",
                           "nan"}) {
    std::uint64_t ns = 42;
    EXPECT_FALSE(parse_duration(text, ns)) << text;
    EXPECT_EQ(ns, 42U) << text;
  }
}

TEST(Duration, HoldsNothingBehindTheViewsEnd) {
  EXPECT_EQ(duration(std::string_view("10ms", 2)), 10 * kSecond);
  EXPECT_EQ(duration(std::string_view("1.55s", 3)), 1500 * kMillisecond);
}

TEST(SetOption, Durations) {
  Options options;
  EXPECT_EQ(set_option(options, "grace", "2s"), nullptr);
  EXPECT_EQ(set_option(options, "interval", "50ms"), nullptr);
  EXPECT_EQ(set_option(options, "mitigate-after", "1h"), nullptr);
  EXPECT_EQ(options.grace_ns, 2 * kSecond);
  EXPECT_EQ(options.interval_ns, 50 * kMillisecond);
  EXPECT_EQ(options.ladder.after_ns, 3600 * kSecond);
  EXPECT_STREQ(set_option(options, "grace", "soon"),
               "is not a duration like 500ms, 2s, 10m or 1h, of at most a year");
  EXPECT_EQ(options.grace_ns, 2 * kSecond) << "an error changes nothing";
}

TEST(SetOption, Switches) {
  for (const char* name : {"follow-children", "watcher", "hosted"}) {
    for (const char* text : {"on", "yes", "true", "1"}) {
      Options options;
      options.follow_children = options.watcher = false;
      EXPECT_EQ(set_option(options, name, text), nullptr);
      EXPECT_EQ(options.follow_children + options.watcher + options.hosted, 1) << name << text;
    }
    for (const char* text : {"off", "no", "false", "0"}) {
      Options options;
      options.hosted = true;
      EXPECT_EQ(set_option(options, name, text), nullptr);
      EXPECT_EQ(options.follow_children + options.watcher + options.hosted, 2) << name << text;
    }
    for (const char* text : {"", "ON", "2", "maybe", "on "}) {
      Options options;
      EXPECT_NE(set_option(options, name, text), nullptr) << name << text;
    }
  }
}

TEST(SetOption, Rungs) {
  Options options;
  EXPECT_EQ(options.ladder.rung, Rung::observe);
  for (const char* rung : {"probe", "finish", "park", "close", "observe"}) {
    EXPECT_EQ(set_option(options, "mitigate", rung), nullptr);
    EXPECT_STREQ(name_of(options.ladder.rung), rung);
  }
  EXPECT_STREQ(set_option(options, "mitigate", "kill"), "is not one of observe, probe, finish, park, close");
  EXPECT_EQ(options.ladder.rung, Rung::observe);
}

TEST(SetOption, LadderSettings) {
  Options options;
  EXPECT_EQ(options.ladder.per_hour, 36'000U);
  EXPECT_TRUE(allows_nothing(options.ladder));
  EXPECT_EQ(set_option(options, "mitigate-rate", "100/m"), nullptr);
  EXPECT_EQ(options.ladder.per_hour, 6'000U);
  EXPECT_EQ(set_option(options, "mitigate-rate", "7"), nullptr);
  EXPECT_EQ(options.ladder.per_hour, 7U * 3600);
  EXPECT_EQ(set_option(options, "mitigate-rate", "600/h"), nullptr);
  EXPECT_EQ(options.ladder.per_hour, 600U);
  for (const char* text : {"", "0", "0/s", "10/d", "10/", "/s", "-1", "1e3", "99999999/s"}) {
    EXPECT_NE(set_option(options, "mitigate-rate", text), nullptr) << text;
  }
  EXPECT_EQ(options.ladder.per_hour, 600U);
  EXPECT_EQ(set_option(options, "mitigate-at", "80%"), nullptr);
  EXPECT_EQ(options.ladder.at_percent, 80);
  EXPECT_EQ(set_option(options, "mitigate-at", "off"), nullptr);
  EXPECT_EQ(options.ladder.at_percent, 0);
  for (const char* text : {"", "%", "101%", "-5%", "8 %"})
    EXPECT_NE(set_option(options, "mitigate-at", text), nullptr) << text;
  EXPECT_EQ(set_option(options, "allow", "0123456789abcdef,ABCDEF0123456789"), nullptr);
  EXPECT_EQ(options.ladder.allowed_count, 2U);
  EXPECT_EQ(options.ladder.allowed[0], 0x0123456789abcdefU);
  EXPECT_EQ(options.ladder.allowed[1], 0xabcdef0123456789U);
  for (const char* text : {"", "123", "0123456789abcdeg", "0123456789abcdef;", "0000000000000000", "every"})
    EXPECT_NE(set_option(options, "allow", text), nullptr) << text;
  EXPECT_EQ(options.ladder.allowed_count, 2U);
  EXPECT_EQ(set_option(options, "allow", "all"), nullptr);
  EXPECT_TRUE(options.ladder.allow_all);
  EXPECT_EQ(set_option(options, "inherited-filter", "trust"), nullptr);
  EXPECT_EQ(options.inherited_filter, FilterTrust::trust);
  EXPECT_STREQ(set_option(options, "inherited-filter", "on"), "is not one of judge, trust, avoid");
  EXPECT_EQ(options.inherited_filter, FilterTrust::trust);
  EXPECT_EQ(set_option(options, "raise-limit", "on"), nullptr);
  EXPECT_TRUE(options.raise_limit);
}

TEST(SetOption, FailOnLeak) {
  const auto status = [](std::string_view text) {
    Options options;
    options.fail_on_leak = true;
    EXPECT_EQ(set_option(options, "fail-on-leak", text), nullptr) << text;
    return options.fail_on_leak ? options.fail_status : 0;
  };
  EXPECT_EQ(status(""), 23);
  EXPECT_EQ(status("on"), 23);
  EXPECT_EQ(status("yes"), 23);
  EXPECT_EQ(status("1"), 1) << "a number is the status itself";
  EXPECT_EQ(status("255"), 255);
  EXPECT_EQ(status("0"), 0);
  EXPECT_EQ(status("off"), 0);
  Options options;
  for (const char* text : {"256", "-1", "99999999999999999999", "leak", "1.5"}) {
    EXPECT_STREQ(set_option(options, "fail-on-leak", text),
                 "is neither an exit status from 1 to 255 nor on or off");
  }
  EXPECT_FALSE(options.fail_on_leak);
}

TEST(SetOption, Suppressions) {
  Options options;
  EXPECT_FALSE(has_suppressions(options));
  for (const char* text : {"0123456789abcdef", "*", "12ab*,0?", "f"}) {
    EXPECT_EQ(set_option(options, "ignore", text), nullptr) << text;
    EXPECT_STREQ(options.ignore, text);
  }
  EXPECT_TRUE(has_suppressions(options));
  for (const char* text : {"", ",", "12,", ",12", "12,,34", "ABC", "xyz", "12 34", "0123456789abcdef0"}) {
    EXPECT_NE(set_option(options, "ignore", text), nullptr) << text;
  }
  EXPECT_STREQ(options.ignore, "f") << "an error changes nothing";
  EXPECT_EQ(set_option(options, "suppress", "quiet.txt"), nullptr);
  EXPECT_STREQ(options.suppress, "quiet.txt");
  EXPECT_NE(set_option(options, "suppress", ""), nullptr);
}

TEST(SetOption, Log) {
  Options options;
  EXPECT_EQ(set_option(options, "log", "syslog"), nullptr);
  EXPECT_EQ(options.log_to, LogTo::syslog);
  EXPECT_EQ(set_option(options, "log", "off"), nullptr);
  EXPECT_EQ(options.log_to, LogTo::off);
  EXPECT_EQ(set_option(options, "log", "stderr"), nullptr);
  EXPECT_EQ(options.log_to, LogTo::standard_error);
  EXPECT_EQ(set_option(options, "log", "./here.log"), nullptr);
  EXPECT_EQ(options.log_to, LogTo::file);
  EXPECT_STREQ(options.log_file, "./here.log");
  EXPECT_NE(set_option(options, "log", "stdout"), nullptr);
  EXPECT_NE(set_option(options, "log", "/" + std::string(1023, 'x')), nullptr);
  EXPECT_STREQ(options.log_file, "./here.log");
}

TEST(SetOption, PathsThatFit) {
  Options options;
  const std::string longest(1023, 'x');
  EXPECT_EQ(set_option(options, "output", longest), nullptr);
  EXPECT_EQ(options.output, longest);
  EXPECT_STREQ(set_option(options, "output", longest + "x"), "is not a path of 1 to 1023 bytes");
  EXPECT_EQ(options.output, longest);
  EXPECT_NE(set_option(options, "json", ""), nullptr);
  EXPECT_NE(set_option(options, "json", std::string_view("a\0b", 3)), nullptr);
  EXPECT_EQ(set_option(options, "json", "short"), nullptr);
  EXPECT_EQ(set_option(options, "json", "s"), nullptr);
  EXPECT_STREQ(options.json, "s");
}

TEST(SetOption, RootPid) {
  Options options;
  EXPECT_EQ(set_option(options, "root-pid", "4711"), nullptr);
  EXPECT_EQ(options.root_pid, 4711U);
  for (const char* text : {"", "-1", "2147483648", "12a"}) {
    EXPECT_NE(set_option(options, "root-pid", text), nullptr) << text;
  }
  EXPECT_EQ(options.root_pid, 4711U);
}

TEST(SetOption, UnknownName) {
  Options options;
  EXPECT_STREQ(set_option(options, "graze", "1s"), "is not a setting of socktrack");
  EXPECT_STREQ(set_option(options, "", "1s"), "is not a setting of socktrack");
}

TEST(OptionNames, AreAllKnownAndDescribed) {
  int count = 0;
  for (const OptionName* option = kOptionNames; option->name != nullptr; ++option, ++count) {
    Options options;
    const char* wrong = set_option(options, option->name, std::string(2000, '?'));
    EXPECT_STRNE(wrong, "is not a setting of socktrack") << option->name;
    EXPECT_NE(wrong, nullptr) << option->name;
    EXPECT_STRNE(option->value, "");
    EXPECT_STRNE(option->help, "");
    EXPECT_STRNE(option->name, "hosted");
    EXPECT_STRNE(option->name, "root-pid");
  }
  EXPECT_EQ(count, 17);
}

// The environment loop, with what it complained about.
std::vector<std::string> complaints;

Options from(std::vector<std::string> entries) {
  complaints.clear();
  std::vector<char*> environment;
  for (std::string& entry : entries) environment.push_back(entry.data());
  environment.push_back(nullptr);
  Options options;
  options_from_environment(
      options, environment.data(), [](std::string_view variable, std::string_view value, const char* what) {
        complaints.push_back(std::string(variable) + "=" + std::string(value) + " " + what);
      });
  return options;
}

TEST(Environment, TakesOverEverySetting) {
  const Options options =
      from({"PATH=/bin", "SOCKTRACK_GRACE=2s", "SOCKTRACK_INTERVAL=1", "SOCKTRACK_MITIGATE=observe",
            "SOCKTRACK_MITIGATE_AFTER=1h", "SOCKTRACK_FOLLOW_CHILDREN=off", "SOCKTRACK_WATCHER=no",
            "SOCKTRACK_FAIL_ON_LEAK=9", "SOCKTRACK_LOG=off", "SOCKTRACK_OUTPUT=/a=b", "SOCKTRACK_JSON=j",
            "SOCKTRACK_HOSTED=1", "SOCKTRACK_ROOT_PID=77"});
  EXPECT_TRUE(complaints.empty());
  EXPECT_EQ(options.grace_ns, 2 * kSecond);
  EXPECT_EQ(options.interval_ns, kSecond);
  EXPECT_EQ(options.ladder.after_ns, 3600 * kSecond);
  EXPECT_FALSE(options.follow_children);
  EXPECT_FALSE(options.watcher);
  EXPECT_TRUE(options.fail_on_leak);
  EXPECT_EQ(options.fail_status, 9);
  EXPECT_EQ(options.log_to, LogTo::off);
  EXPECT_STREQ(options.output, "/a=b");
  EXPECT_STREQ(options.json, "j");
  EXPECT_TRUE(options.hosted);
  EXPECT_EQ(options.root_pid, 77U);
}

TEST(Environment, ComplainsAndKeepsTheDefault) {
  const Options options =
      from({"SOCKTRACK_GRACE=later", "SOCKTRACK_GRAZE=1s", "SOCKTRACK_=x", "SOCKTRACK_grace=1s",
            "SOCKTRACK_" + std::string(500, 'A') + "=1", "SOCKTRACK_MITIGATE-AFTER=1s"});
  EXPECT_EQ(options.grace_ns, 10 * kSecond);
  EXPECT_EQ(options.ladder.after_ns, 600 * kSecond);
  ASSERT_EQ(complaints.size(), 6U);
  EXPECT_EQ(complaints[0],
            "SOCKTRACK_GRACE=later is not a duration like 500ms, 2s, 10m or 1h, of at most a year");
  EXPECT_EQ(complaints[1], "SOCKTRACK_GRAZE=1s is not a setting of socktrack");
}

TEST(Environment, LeavesOthersAlone) {
  from({"SOCKTRACK_TEST_PORT=1", "SOCKTRACK_LIBRARY=/lib/x.so", "SOCKTRACK_SANITIZE=address", "SOCKTRACK=1",
        "SOCKTRACKER_X=1", "XSOCKTRACK_GRACE=x", "SOCKTRACK_NOVALUE", "SOCKTRACK_GRACE="});
  EXPECT_TRUE(complaints.empty()) << complaints.front();
}

TEST(Environment, BearsNoEnvironmentAndNoListener) {
  Options options;
  options_from_environment(options, nullptr, nullptr);
  std::string bad = "SOCKTRACK_GRACE=x";
  std::array<char*, 2> environment{bad.data(), nullptr};
  options_from_environment(options, environment.data(), nullptr);
  EXPECT_EQ(options.grace_ns, 10 * kSecond);
}

TEST(SweepInterval, IsAsAskedElseAQuarterOfTheGraceWithinBounds) {
  Options options;
  EXPECT_EQ(sweep_interval_ns(options), kSecond);
  options.grace_ns = 2 * kSecond;
  EXPECT_EQ(sweep_interval_ns(options), 500 * kMillisecond);
  options.grace_ns = 0;
  EXPECT_EQ(sweep_interval_ns(options), 100 * kMillisecond);
  options.interval_ns = 1;
  EXPECT_EQ(sweep_interval_ns(options), 1U);
}

}  // namespace
}  // namespace socktrack
