// A program in a terminal of its own: a tmux server of this test alone. The pane is read until it shows what
// is awaited.
#pragma once

#include <string>

#include "harness/socktrack.h"

namespace scenario {

class Terminal {
 public:
  // Starts `shell_command` in a pane of this size. `environment`: put before it, "NO_COLOR=1".
  Terminal(const std::string& shell_command, int columns, int rows, const std::string& environment = "");
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::string screen() const;                 // as text
  std::string painted() const;                // with the escape sequences of its colours and attributes
  bool shows(const std::string& text) const;  // now, or before the safety limit
  bool shows_no_more(const std::string& text) const;
  void keys(const std::string& names) const;  // as tmux calls them: "Down Enter q"
  void resize(int columns, int rows) const;

 private:
  Outcome tmux(const Arguments& arguments) const;

  TempDir directory_;
};

}  // namespace scenario
