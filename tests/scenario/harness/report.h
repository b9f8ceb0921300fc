// The JSON report as tests read it. Every document is validated against docs/report.schema.json first.
#pragma once

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace scenario {

using Json = nlohmann::json;

// Throws std::runtime_error with the complaint if the text is no JSON or breaks the schema.
Json parse_report(const std::string& text);
Json parse_scan(const std::string& text);   // the same for docs/scan.schema.json
Json read_report(const std::string& file);  // ... or if there is no such file

// The only process whose executable ends with `name`. Throws std::runtime_error if there is not exactly one.
Json process_of(const Json& report, const std::string& name);
std::vector<Json> processes_of(const Json& report, const std::string& name);

Json with_most_opened(const std::vector<Json>& processes);

std::uint64_t opened(const Json& process);
std::uint64_t leaked(const Json& process);

// "eof_not_closed 23 recv", sorted: what the groups say in short.
std::vector<std::string> summary(const Json& groups);

// The names of the functions of a stack, innermost first; "?" where there is none.
std::vector<std::string> functions(const Json& stack);
std::vector<std::string> modules(const Json& stack);

// "function file:line" of the frames of a language, innermost first; of the file only the name, and no line
// where none is known.
std::vector<std::string> lines(const Json& stack, const std::string& language);

// MATCHES if one frame of the stack has a function of this name (with or without parameters and scope).
MATCHER_P(Calls, function, "") {
  *result_listener << "functions " << testing::PrintToString(functions(arg));
  for (const std::string& name : functions(arg)) {
    if (name.find(function) != std::string::npos) return true;
  }
  return false;
}

MATCHER_P(PassesThrough, module, "") {
  *result_listener << "modules " << testing::PrintToString(modules(arg));
  for (const std::string& name : modules(arg)) {
    if (name.find(module) != std::string::npos) return true;
  }
  return false;
}

}  // namespace scenario
