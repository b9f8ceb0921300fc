#include "harness/report.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace scenario {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::unique_ptr<valijson::Schema> parse_schema(const char* file) {
  const Json document = Json::parse(text_of(file));
  auto schema = std::make_unique<valijson::Schema>();
  valijson::SchemaParser().populateSchema(Adapter(document), *schema);
  return schema;
}

void validate(const Json& document, const valijson::Schema& schema) {
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(schema, Adapter(document), &results)) return;
  std::ostringstream complaint;
  complaint << "the document breaks its schema:\n";
  for (valijson::ValidationResults::Error error; results.popError(error);) {
    for (const std::string& part : error.context) complaint << part;
    complaint << ": " << error.description << '\n';
  }
  throw std::runtime_error(complaint.str() + document.dump(1));
}

std::string text_or(const Json& object, const char* key, const char* otherwise) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string() || found->get<std::string>().empty()) return otherwise;
  return found->get<std::string>();
}

}  // namespace

Json parse_report(const std::string& text) {
  static const std::unique_ptr<valijson::Schema> schema = parse_schema(SOCKTRACK_REPORT_SCHEMA);
  Json report = Json::parse(text);
  validate(report, *schema);
  return report;
}

Json parse_scan(const std::string& text) {
  static const std::unique_ptr<valijson::Schema> schema = parse_schema(SOCKTRACK_SCAN_SCHEMA);
  Json scan = Json::parse(text);
  validate(scan, *schema);
  return scan;
}

Json read_report(const std::string& file) { return parse_report(text_of(file)); }

std::vector<Json> processes_of(const Json& report, const std::string& name) {
  std::vector<Json> found;
  for (const Json& process : report.at("processes")) {
    if (process.at("exe").get<std::string>().ends_with(name)) found.push_back(process);
  }
  return found;
}

Json process_of(const Json& report, const std::string& name) {
  const std::vector<Json> found = processes_of(report, name);
  if (found.size() == 1) return found.front();
  throw std::runtime_error(std::to_string(found.size()) + " processes of " + name + " in " + report.dump(1));
}

std::uint64_t opened(const Json& process) { return process.at("sockets").at("opened").get<std::uint64_t>(); }
std::uint64_t leaked(const Json& process) { return process.at("sockets").at("leaked").get<std::uint64_t>(); }

std::vector<std::string> summary(const Json& groups) {
  std::vector<std::string> lines;
  for (const Json& group : groups) {
    std::string line = group.at("verdict").get<std::string>() + " " + group.at("count").dump();
    for (const char* key : {"operation", "errno"}) {
      const std::string word = text_or(group, key, "");
      if (!word.empty()) line += " " + word;
    }
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> functions(const Json& stack) {
  std::vector<std::string> names;
  for (const Json& frame : stack) {
    // In a sanitizer build its runtime makes the program's calls.
    if (names.empty() && text_or(frame, "module", "").find("san.so") != std::string::npos) continue;
    names.push_back(text_or(frame, "function", "?"));
  }
  return names;
}

std::vector<std::string> modules(const Json& stack) {
  std::vector<std::string> names;
  for (const Json& frame : stack) names.push_back(text_or(frame, "module", "?"));
  return names;
}

Json with_most_opened(const std::vector<Json>& processes) {
  return *std::max_element(processes.begin(), processes.end(),
                           [](const Json& a, const Json& b) { return opened(a) < opened(b); });
}

std::vector<std::string> lines(const Json& stack, const std::string& language) {
  std::vector<std::string> found;
  for (const Json& frame : stack) {
    if (frame.at("language") != language) continue;
    const auto file = frame.at("file").get<std::string>();
    const std::string line =
        frame.at("line").is_null() ? "" : ":" + std::to_string(frame.at("line").get<int>());
    found.push_back(frame.at("function").get<std::string>() + " " + file.substr(file.rfind('/') + 1) + line);
  }
  return found;
}

}  // namespace scenario
