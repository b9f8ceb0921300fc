// Names are chosen by other people's programs: they must not reach a terminal as control characters.
#pragma once

#include <algorithm>
#include <string>

namespace socktrack {

inline std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace socktrack
