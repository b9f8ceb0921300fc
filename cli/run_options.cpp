#include "cli/run_options.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "cli/commands.h"
#include "cli/failure.h"

namespace socktrack {
namespace {

constexpr std::string_view kPrefix = "SOCKTRACK_";

std::string variable_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return std::string(kPrefix) + name;
}

// Flags take no word after them, so that `--fail-on-leak ./test` is not read as a status.
CLI::Option* add_setting(CLI::App& command, const OptionName& setting) {
  const std::string name = setting.name;
  const std::string help = setting.help;
  if (name == "fail-on-leak") return command.add_flag("--fail-on-leak{}", help)->type_name("[=STATUS]");
  if (name == "follow-children") return command.add_flag("--follow-children,!--no-follow-children", help);
  const CLI::callback_t keep = [](const CLI::results_t&) { return true; };
  return command.add_option("--" + name, keep, help)->type_name(setting.value);
}

// Each one given adds to the list; of other settings the last one counts.
bool is_list(const std::string& name) { return name == "ignore" || name == "allow"; }

std::string text_given(const std::string& name, const CLI::Option& option) {
  const std::vector<std::string> texts = option.results();
  if (!is_list(name)) return texts.back();
  return fmt::format("{}", fmt::join(texts, ","));
}

std::map<std::string, std::string> given_settings(const RunOptions& options) {
  std::map<std::string, std::string> given;
  for (const auto& [name, option] : options.settings) {
    if (option->count() > 0) given[name] = text_given(name, *option);
  }
  return given;
}

[[noreturn]] void refuse_value(const std::string& setting, const std::string& value,
                               const std::string& what) {
  throw Failure(kUsage, setting + ": '" + value + "' " + what);
}

// An unknown variable may belong to a newer socktrack or to somebody else; a bad value is a mistake that
// would make the run look at something else than was asked for.
void complain(std::string_view variable, std::string_view value, const char* what) {
  static const std::string_view unknown = [] {
    Options none;
    return set_option(none, "", "");
  }();
  if (what != unknown) refuse_value(std::string(variable), std::string(value), what);
  spdlog::warn("{} {}", variable, what);
}

std::string absolute(const char* path) {
  std::error_code error;
  return std::filesystem::absolute(path, error).string();
}

std::string preload_of(const std::string& library, const std::vector<std::string>& first) {
  std::string list;
  for (const std::string& each : first) {
    if (!each.empty() && list.find(each + ":") == std::string::npos) list += each + ":";
  }
  list += library;
  const char* before = std::getenv("LD_PRELOAD");
  if (before != nullptr && *before != '\0') list += std::string(":") + before;
  return list;
}

}  // namespace

void add_run_options(CLI::App& command, RunOptions& options) {
  for (const OptionName* setting = kOptionNames; setting->name != nullptr; ++setting) {
    options.settings[setting->name] =
        add_setting(command, *setting)
            ->multi_option_policy(is_list(setting->name) ? CLI::MultiOptionPolicy::TakeAll
                                                         : CLI::MultiOptionPolicy::TakeLast);
  }
  command.add_flag("--quiet,-q", options.quiet, "No report unless something leaked");
  command.add_option("PROGRAM", options.program, "The program and its arguments")->required()->type_name("");
  // Whatever comes after the program is the program's, whether or not "--" stands before it.
  command.positionals_at_end();
}

Options effective_options(const RunOptions& options) {
  Options effective;
  options_from_environment(effective, environ, complain);
  for (const auto& [name, text] : given_settings(options)) {
    if (const char* wrong = set_option(effective, name, text)) refuse_value("--" + name, text, wrong);
  }
  if (std::string_view(effective.json) == "-") {
    refuse_value("--json", "-", "would be standard output, and that is the program's: give a file");
  }
  return effective;
}

std::vector<std::string> program_environment(const RunOptions& given, const Options& options,
                                             const std::string& directory, const std::string& library,
                                             const std::vector<std::string>& first_preloads) {
  std::map<std::string, std::string> ours;
  for (const auto& [name, text] : given_settings(given)) ours[variable_of(name)] = text;
  // The command does these two itself, for all processes together.
  ours.erase("SOCKTRACK_JSON");
  ours.erase("SOCKTRACK_FAIL_ON_LEAK");
  // Children may work in other directories.
  if (options.log_to == LogTo::file) ours["SOCKTRACK_LOG"] = absolute(options.log_file);
  if (options.suppress[0] != '\0') ours["SOCKTRACK_SUPPRESS"] = absolute(options.suppress);
  ours["SOCKTRACK_OUTPUT"] = directory;
  ours["SOCKTRACK_HOSTED"] = "1";
  ours["LD_PRELOAD"] = preload_of(library, first_preloads);

  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = std::string(*entry).substr(0, std::string_view(*entry).find('='));
    const bool replaced = ours.contains(variable) || variable == "SOCKTRACK_JSON" ||
                          variable == "SOCKTRACK_FAIL_ON_LEAK" || variable == "SOCKTRACK_ROOT_PID";
    if (!replaced) environment.emplace_back(*entry);
  }
  for (const auto& [variable, text] : ours) environment.push_back(variable + "=" + text);
  return environment;
}

}  // namespace socktrack
