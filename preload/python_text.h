// The characters of a Python str as UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace socktrack::python {

// What the head of a compact str says; the text follows it.
struct TextHead {
  static constexpr int kSize = 40;  // bytes of the head that are looked at
  std::int64_t length;
  unsigned kind;  // bytes of a character
  bool ascii;
  bool sound;

  explicit TextHead(const void* object) {
    std::uint32_t state = 0;
    std::memcpy(&length, static_cast<const char*>(object) + 16, sizeof length);
    std::memcpy(&state, static_cast<const char*>(object) + 32, sizeof state);
    kind = (state >> 2U) & 7U;
    ascii = (state & 0x40U) != 0;
    sound = (state & 0x20U) != 0 && length > 0 && (kind == 1 || kind == 2 || kind == 4);
  }
};

inline std::size_t put_utf8(char* to, std::uint32_t c) {
  if (c < 0x80) {
    to[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    to[0] = static_cast<char>(0xc0U | (c >> 6U));
    to[1] = static_cast<char>(0x80U | (c & 0x3fU));
    return 2;
  }
  if (c < 0x10000) {
    to[0] = static_cast<char>(0xe0U | (c >> 12U));
    to[1] = static_cast<char>(0x80U | ((c >> 6U) & 0x3fU));
    to[2] = static_cast<char>(0x80U | (c & 0x3fU));
    return 3;
  }
  to[0] = static_cast<char>(0xf0U | ((c >> 18U) & 7U));
  to[1] = static_cast<char>(0x80U | ((c >> 12U) & 0x3fU));
  to[2] = static_cast<char>(0x80U | ((c >> 6U) & 0x3fU));
  to[3] = static_cast<char>(0x80U | (c & 0x3fU));
  return 4;
}

inline std::uint32_t character(const char* text, std::size_t index, unsigned kind) {
  std::uint32_t c = 0;
  std::memcpy(&c, text + index * kind, kind);
  return c;
}

// `length` characters from `from`, cut to fit, NUL-terminated.
inline void put_text(const char* from, std::int64_t length, unsigned kind, char* to, std::size_t room) {
  std::size_t used = 0;
  for (std::int64_t i = 0; i < length && used + 5 < room; i++)
    used += put_utf8(to + used, character(from, static_cast<std::size_t>(i), kind));
  to[used] = '\0';
}

}  // namespace socktrack::python
