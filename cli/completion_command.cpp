// socktrack completion bash|zsh: made from the commands themselves, so that it never tells of another
// version.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "cli/app.h"
#include "cli/commands.h"

namespace socktrack {
namespace {

std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::Option* option : options_of(command)) {
    for (const std::string& name : option->get_lnames()) words += " --" + name;
  }
  return words;
}

std::string bash_script(const CLI::App& app) {
  std::string commands, cases;
  for (const CLI::App* command : commands_of(app)) {
    commands += " " + command->get_name();
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), words_of(*command).substr(1));
  }
  return fmt::format(R"(_socktrack() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} words=
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{}{}" -- "$word"))
    return
  fi
  case $command in
{}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _socktrack socktrack
)",
                     commands.substr(1), words_of(app), cases);
}

}  // namespace

void add_completion_command(CLI::App& app, int& exit_status) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Write the completion of a shell");
  command->add_option("shell", *shell, "The shell")
      ->required()
      ->type_name("bash|zsh")
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->footer("Example:\n  source <(socktrack completion bash)");
  command->callback([&app, shell, &exit_status] {
    if (*shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
    std::cout << bash_script(app) << std::flush;
    exit_status = std::cout ? 0 : kCannot;
  });
}

}  // namespace socktrack
