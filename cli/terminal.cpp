#include "cli/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cli/commands.h"
#include "cli/failure.h"

namespace socktrack {

void write_out(const std::string& text) {
  std::cout << text << std::flush;
  if (!std::cout) throw Failure(kCannot, "the result could not be written to standard output");
}

bool wants_colour(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  if (kind == nullptr || std::string_view(kind) == "dumb" || std::string_view(kind).starts_with("vt"))
    return false;
  return isatty(descriptor) == 1 && (refused == nullptr || *refused == '\0');
}

void fill_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    [[maybe_unused]] const int opened = open("/dev/null", O_RDWR | O_CLOEXEC);  // takes the lowest free one
  }
}

}  // namespace socktrack
