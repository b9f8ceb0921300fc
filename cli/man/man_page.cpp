#include "cli/man/man_page.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <stdexcept>

#include "cli/app.h"
#include "cli/help_format.h"
#include "watch/options.h"

namespace socktrack {
namespace {

// A line of text that no roff takes for a request or an escape.
std::string plain(const std::string& text) {
  std::string safe;
  for (const char c : text) safe += c == '\\' ? std::string("\\e") : std::string(1, c);
  return safe.starts_with('.') || safe.starts_with('\'') ? "\\&" + safe : safe;
}

// As an argument of a macro.
std::string argument(const std::string& text) { return '"' + plain(text) + '"'; }

std::string dashes(const std::string& name) { return "-" + name; }  // Fl writes the first one

std::string value_of(const CLI::Option& option) {
  const std::string value = option_value(option);
  if (value.empty()) return "";
  return value.starts_with(' ') ? " Ar " + argument(value.substr(1)) : " Ns Ar " + argument(value);
}

std::string flags_of(const CLI::Option& option, const std::string& between) {
  std::string text;
  for (const std::string& each : option.get_snames()) text += (text.empty() ? "" : between) + "Fl " + each;
  for (const std::string& each : option.get_lnames())
    text += (text.empty() ? "" : between) + "Fl " + dashes(each);
  return text + value_of(option);
}

// SOCKTRACK_GRACE for --grace of `run`.
std::string variable_of(const CLI::App& command, const CLI::Option& option) {
  if (command.get_name() != "run") return "";
  for (const OptionName* setting = kOptionNames; setting->name != nullptr; ++setting) {
    const auto& names = option.get_lnames();
    if (std::find(names.begin(), names.end(), setting->name) == names.end()) continue;
    std::string variable = "SOCKTRACK_";
    for (const char* c = setting->name; *c != '\0'; ++c)
      variable += *c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
    return variable;
  }
  return "";
}

std::string key_of(const CLI::Option& option) {
  if (option.get_positional()) return option_names(option);
  return "--" + option.get_lnames().front();
}

std::string synopsis_of(const CLI::App& command) {
  std::string text = ".Nm \"socktrack " + command.get_name() + "\"\n";
  for (const CLI::Option* option : options_of(command)) {
    if (option->get_positional() || option == command.get_help_ptr()) continue;
    text += ".Op " + flags_of(*option, " | ") + '\n';
  }
  for (const CLI::Option* option : options_of(command)) {
    if (!option->get_positional()) continue;
    std::string name = option_names(*option);
    if (option->get_items_expected_max() > 1 && !name.ends_with("...")) name += " ...";
    text += (option->get_required() ? ".Ar " : ".Op Ar ") + argument(name) + '\n';
  }
  return text;
}

std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return plain(text);
}

using Additions = std::map<std::string, std::string>;

std::string options_text(const CLI::App& command, Additions additions) {
  std::string text = ".Bl -tag -width Ds\n";
  for (const CLI::Option* option : options_of(command)) {
    if (option == command.get_help_ptr()) continue;
    const std::string variable = variable_of(command, *option);
    text += ".It " +
            (option->get_positional() ? "Ar " + argument(option_names(*option)) : flags_of(*option, " , "));
    text += (variable.empty() ? "" : " , Ev " + variable) + '\n';
    text += sentence(option->get_description()) + '\n';
    text += additions[key_of(*option)];
    additions.erase(key_of(*option));
  }
  if (!additions.empty())
    throw std::runtime_error(command.get_name() + " has no option " + additions.begin()->first);
  return text + ".El\n";
}

}  // namespace

std::string man_page(const CLI::App& command, const std::string& source) {
  std::istringstream lines(source);
  std::string page;
  Additions additions;
  std::string* addition = nullptr;
  bool has_synopsis = false, in_options = false, has_options = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "@SYNOPSIS@") {
      page += synopsis_of(command);
      has_synopsis = true;
    } else if (line == "@OPTIONS@") {
      in_options = true;
    } else if (line == "@END@") {
      page += options_text(command, additions);
      in_options = false;
      has_options = true;
    } else if (in_options && line.starts_with('@')) {
      addition = &additions[line.substr(1)];
    } else if (in_options) {
      if (addition == nullptr) throw std::runtime_error("text before the first option: " + line);
      *addition += line + '\n';
    } else {
      page += line + '\n';
    }
  }
  if (!has_synopsis || !has_options)
    throw std::runtime_error("the page of " + command.get_name() +
                             " lacks @SYNOPSIS@, or @OPTIONS@ with @END@");
  return page;
}

}  // namespace socktrack
