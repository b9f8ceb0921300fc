#include "harness/ladder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace scenario {

const Arguments kQuick = {"--after", "0", "--rate", "1000/s"};

Arguments order(const std::string& rung, const std::string& fingerprint, Arguments more) {
  more.insert(more.begin(), {rung, "--allow", fingerprint});
  return more;
}

Ladder::Ladder(const Environment& added) : process_({program("ladder")}, environment(added)) {}

Environment Ladder::environment(Environment added) const {
  added.try_emplace("SOCKTRACK_GRACE", "0");
  added.try_emplace("SOCKTRACK_INTERVAL", "100ms");
  return preload_environment(directory_, added);
}

std::string Ladder::ask(const std::string& words) {
  process_.say(words + "\n");
  return process_.line();
}

Outcome Ladder::mitigate(Arguments words) {
  words.insert(words.begin(), {command(), "mitigate", std::to_string(pid())});
  return run(words, base_environment());
}

Json Ladder::process() {
  const Json report = report_of(directory());
  for (const Json& each : report["processes"]) {
    if (each["pid"] == pid()) return each;
  }
  return {{"groups", Json::array()}};
}

Json Ladder::group() {
  const Json all = process();
  for (const Json& each : all["groups"]) {
    if (each["verdict"] == "eof_not_closed" && functions(each["open_stack"])[0].find("accept_client") == 0)
      return each;
  }
  return nullptr;
}

std::string Ladder::fingerprint_of(std::uint64_t count) {
  Json found;
  EXPECT_TRUE(eventually([&] {
    found = group();
    return !found.is_null() && found["count"] == count;
  })) << found;
  return found.is_null() ? "" : found["fingerprint"].get<std::string>();
}

std::string Ladder::fingerprints_of(std::uint64_t count) {
  std::string found;
  Json all;
  EXPECT_TRUE(eventually([&] {
    std::uint64_t sockets = 0;
    found.clear();
    all = process();
    for (const Json& each : all["groups"]) {
      if (each["verdict"] != "eof_not_closed") continue;
      sockets += each["count"].get<std::uint64_t>();
      found += (found.empty() ? "" : ",") + each["fingerprint"].get<std::string>();
    }
    return sockets == count;
  })) << all;
  return found;
}

namespace {

std::uint64_t sum(const Json& process, const char* what, const std::string& name) {
  std::uint64_t total = 0;
  for (const Json& each : process["groups"]) {
    if (each["mitigation"].is_object()) total += each["mitigation"][what].value(name, std::uint64_t{0});
  }
  return total;
}

}  // namespace

std::uint64_t Ladder::acted(const std::string& rung) { return sum(process(), "acted", rung); }
std::uint64_t Ladder::refused(const std::string& reason) { return sum(process(), "refused", reason); }

std::string Ladder::told() {
  std::string text;
  const Json all = process();
  for (const Json& each : all["groups"]) {
    text += "\n" + each["verdict"].get<std::string>() + " " + each["count"].dump() + " " +
            each["mitigation"].dump();
  }
  return text;
}

bool Ladder::has_acted(const std::string& rung, std::uint64_t count) {
  return eventually([&] { return acted(rung) >= count; });
}

bool Ladder::has_refused(const std::string& reason, std::uint64_t count) {
  return eventually([&] { return refused(reason) == count; });
}

std::string Ladder::audit_file() const { return directory() + "/audit-" + std::to_string(pid()) + ".jsonl"; }

std::vector<Json> Ladder::audit() const {
  std::ifstream file(audit_file());
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  return lines;
}

std::vector<Json> Ladder::acts() const {
  std::vector<Json> found;
  for (Json& each : audit()) {
    if (each["event"] == "act" && each["outcome"] == "done") found.push_back(each);
  }
  return found;
}

}  // namespace scenario
