// Help, manual pages and completion are made of the same options; each says something of every one.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/app.h"
#include "cli/man/man_page.h"

namespace socktrack {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string source_of(const std::string& command) {
  std::ifstream file(std::string(SOCKTRACK_MAN_SOURCES) + "/socktrack-" + command + ".1.in");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class ManPages : public testing::Test {
 protected:
  int status_ = 0;
  std::unique_ptr<CLI::App> app_ = make_app(status_);
};

TEST_F(ManPages, EachCommandHasOneWithAllItsOptions) {
  for (const CLI::App* command : commands_of(*app_)) {
    const std::string page = man_page(*command, source_of(command->get_name()));
    for (const CLI::Option* option : options_of(*command)) {
      if (option == command->get_help_ptr()) continue;
      EXPECT_FALSE(option->get_description().empty()) << command->get_name() << ' ' << option->get_name();
      for (const std::string& name : option->get_lnames()) {
        const std::vector<std::string> lines = lines_of(page);
        const auto entry = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
          return line.starts_with(".It ") && (line + ' ').find("Fl -" + name + ' ') != std::string::npos;
        });
        EXPECT_NE(entry, lines.end()) << command->get_name() << " --" << name;
      }
    }
    EXPECT_THAT(page, HasSubstr(".Sh EXAMPLES\n")) << command->get_name();
    EXPECT_THAT(page, Not(HasSubstr("\n@"))) << command->get_name();
  }
}

TEST_F(ManPages, NoPageWithoutItsCommand) {
  std::set<std::string> names;
  for (const CLI::App* command : commands_of(*app_))
    names.insert("socktrack-" + command->get_name() + ".1.in");
  for (const auto& entry : std::filesystem::directory_iterator(SOCKTRACK_MAN_SOURCES)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".in")) continue;
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST_F(ManPages, TheMainPageNamesAllCommands) {
  std::ifstream file(std::string(SOCKTRACK_MAN_SOURCES) + "/socktrack.1");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const CLI::App* command : commands_of(*app_))
    EXPECT_THAT(page, HasSubstr("Xr socktrack-" + command->get_name() + " 1")) << command->get_name();
}

TEST_F(ManPages, AnEntryForAnOptionThatIsNoneIsRefused) {
  const CLI::App* scan = app_->get_subcommand("scan");
  const auto said = [&](const std::string& source) -> std::string {
    try {
      man_page(*scan, source);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(said("@SYNOPSIS@\n@OPTIONS@\n@--watch\nIt tells.\n@END@\n"), "accepted");
  EXPECT_EQ(said("@SYNOPSIS@\n@OPTIONS@\n@--gone\nIt was.\n@END@\n"), "scan has no option --gone");
  EXPECT_THAT(said("@SYNOPSIS@\n"), HasSubstr("lacks"));
}

TEST_F(ManPages, HelpFitsAScreenAndShowsAnExample) {
  std::vector<const CLI::App*> all = commands_of(*app_);
  all.push_back(app_.get());
  for (const CLI::App* command : all) {
    const std::vector<std::string> lines = lines_of(command->help());
    EXPECT_LE(lines.size(), 24U) << command->help();
    for (const std::string& line : lines) EXPECT_LE(line.size(), 80U) << line;
    EXPECT_THAT(command->help(), HasSubstr("Example")) << command->get_name();
    for (const CLI::Option* option : options_of(*command)) {
      if (option == command->get_help_ptr() || option->get_lnames().empty()) continue;
      const std::string name = option->get_lnames().front();
      EXPECT_TRUE(command->help().find("--" + name) != std::string::npos ||
                  command->help().find("--[no-]" + name) != std::string::npos)
          << name;
    }
  }
}

}  // namespace
}  // namespace socktrack
