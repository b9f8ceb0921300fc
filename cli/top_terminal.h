// The terminal of `socktrack top`: ncurses and nothing else. Knows keys and rows, not what they mean.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/top_model.h"
#include "cli/top_screen.h"

namespace socktrack {

// Can the cursor be moved about on this terminal? Else only lines can be printed.
bool is_screen_terminal();

// Takes the terminal over; the destructor gives it back as it was. One at a time. SIGINT, SIGTERM and SIGHUP
// end the waiting instead of the process.
class TopTerminal {
 public:
  TopTerminal();  // throws Failure
  ~TopTerminal();
  TopTerminal(const TopTerminal&) = delete;
  TopTerminal& operator=(const TopTerminal&) = delete;

  std::size_t width() const;
  std::size_t height() const;
  void show(const std::vector<TopRow>& rows);
  // Waits for a key, a new size or a signal, at most so long.
  TopInput wait(int milliseconds);
  int ended_by() const;  // the signal; 0 = none. -1: the terminal has gone

 private:
  unsigned long attributes_of(TopLook look) const;

  bool colours_ = false;
  bool gone_ = false;
};

}  // namespace socktrack
