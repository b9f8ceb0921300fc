// Numbers in the text of /proc, without libc, locale or allocation.
#pragma once

#include <cstdint>

namespace socktrack::decimal {

inline constexpr unsigned kRoom = 24;

// Terminated; starts somewhere in `room`.
inline const char* write(std::uint64_t value, char (&room)[kRoom]) {
  char* at = room + kRoom - 1;
  *at = '\0';
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return at;
}

// The digits at `text`; 0 if there are none.
inline std::uint64_t read(const char* text, const char* end) {
  std::uint64_t value = 0;
  for (; text != end && *text >= '0' && *text <= '9'; text++) {
    value = value * 10 + static_cast<std::uint64_t>(*text - '0');
  }
  return value;
}

}  // namespace socktrack::decimal
