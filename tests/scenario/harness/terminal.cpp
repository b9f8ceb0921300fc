#include "harness/terminal.h"

#include <sstream>
#include <stdexcept>

namespace scenario {

Terminal::Terminal(const std::string& shell_command, int columns, int rows, const std::string& environment) {
  const Outcome started = tmux({"-f", "/dev/null", "new-session", "-d", "-x", std::to_string(columns), "-y",
                                std::to_string(rows), "env " + environment + " " + shell_command});
  if (started.status != 0) throw std::runtime_error("tmux: " + started.err);
}

Terminal::~Terminal() { tmux({"kill-server"}); }

Outcome Terminal::tmux(const Arguments& arguments) const {
  Arguments all{"tmux", "-S", directory_ / "socket"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run(all, {{"TERM", "xterm-256color"}, {"LC_ALL", "C.UTF-8"}});
}

std::string Terminal::screen() const { return tmux({"capture-pane", "-p"}).out; }
std::string Terminal::painted() const { return tmux({"capture-pane", "-p", "-e"}).out; }

bool Terminal::shows(const std::string& text) const {
  return eventually([&] { return screen().find(text) != std::string::npos; });
}

bool Terminal::shows_no_more(const std::string& text) const {
  return eventually([&] { return screen().find(text) == std::string::npos; });
}

void Terminal::keys(const std::string& names) const {
  std::istringstream words(names);
  for (std::string name; words >> name;) tmux({"send-keys", name});
}

void Terminal::resize(int columns, int rows) const {
  tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
}

}  // namespace scenario
