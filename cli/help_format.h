// How help looks: one screen of 80 columns.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace socktrack {

class HelpFormat : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_option_name(const CLI::Option* option, bool positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;

 private:
  std::string lines_of_options(const CLI::App& app) const;
};

// "--folded", "-q, --quiet", "--[no-]follow-children", "PID": without what it takes.
std::string option_names(const CLI::Option& option);

// " DIR", "[=STATUS]", "": what it takes, as written behind its name.
std::string option_value(const CLI::Option& option);

}  // namespace socktrack
