#include "cli/help_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/app.h"

namespace socktrack {
namespace {

constexpr std::size_t kWidth = 80, kTextAt = 28;

// Breaks `text` at blanks; lines after the first begin with `indent` blanks. `used`: columns of the first
// line that are taken already.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t used) {
  std::string out;
  std::size_t column = used;
  bool first = true;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    const std::size_t size = end - at;
    if (!first && column + 1 + size > kWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out.append(text, at, size);
    column += size;
    first = false;
    at = end + 1;
  }
  return out;
}

std::string line_of(const std::string& name, const std::string& text) {
  std::string line = "  " + name;
  const std::size_t gap = line.size() + 2 <= kTextAt ? kTextAt - line.size() : 2;
  const std::size_t used = line.size() + gap;
  // A long name with a long text: the text below it.
  if (gap == 2 && line.size() > kTextAt && used + text.size() > kWidth) {
    return line + '\n' + std::string(kTextAt, ' ') + wrapped(text, kTextAt, kTextAt) + '\n';
  }
  return line + std::string(gap, ' ') + wrapped(text, kTextAt, used) + '\n';
}

// Each line of its own; examples are indented and stay whole.
std::string wrapped_lines(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(at, end - at);
    out += (line.starts_with(' ') ? line : wrapped(line, 2, 0)) + '\n';
    at = end + 1;
  }
  return out;
}

std::string usage_of(const CLI::App& app, const std::string& name) {
  std::string usage = "Usage: " + name;
  if (!commands_of(app).empty()) return usage + " COMMAND [OPTIONS]";
  usage += " [OPTIONS]";
  for (const CLI::Option* option : options_of(app)) {
    if (!option->get_positional()) continue;
    std::string word = option_names(*option);
    if (option->get_items_expected_max() > 1 && !word.ends_with("...")) word += "...";
    usage += option->get_required() ? " " + word : " [" + word + "]";
  }
  return usage;
}

}  // namespace

std::string option_value(const CLI::Option& option) {
  std::string type = option.get_positional() ? "" : option.get_type_name();
  type.erase(std::min(type.find(':'), type.size()));  // what validators add
  return type.empty() || type.starts_with("[=") ? type : " " + type;
}

std::string option_names(const CLI::Option& option) {
  if (option.get_positional()) {
    const std::string type = option.get_type_name();
    return type.empty() ? option.get_name() : type.substr(0, type.find(':'));
  }
  std::string names;
  for (const std::string& each : option.get_snames()) names += (names.empty() ? "-" : ", -") + each;
  for (const std::string& each : option.get_lnames()) {
    if (each.starts_with("no-") && names.ends_with("--" + each.substr(3))) {
      names.insert(names.size() - each.size() + 3, "[no-]");
      continue;
    }
    names += (names.empty() ? "--" : ", --") + each;
  }
  return names;
}

std::string HelpFormat::make_option_name(const CLI::Option* option, bool) const {
  return option_names(*option);
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const { return option_value(*option); }

std::string HelpFormat::lines_of_options(const CLI::App& app) const {
  std::string text;
  for (const CLI::Option* option : options_of(app)) {
    if (option == app.get_help_ptr() || (option->get_positional() && option->get_description().empty()))
      continue;
    text += line_of(option_names(*option) + option_value(*option), option->get_description());
  }
  return text;
}

std::string HelpFormat::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const {
  std::string full = name.empty() ? app->get_name() : name;
  if (const CLI::App* parent = app->get_parent(); parent != nullptr && !full.starts_with(parent->get_name()))
    full = parent->get_name() + " " + full;
  std::string text = wrapped_lines(app->get_description()) + usage_of(*app, full) + '\n';
  for (const CLI::App* command : commands_of(*app))
    text += line_of(command->get_name(), command->get_description());
  return text + lines_of_options(*app) + wrapped_lines(app->get_footer());
}

}  // namespace socktrack
