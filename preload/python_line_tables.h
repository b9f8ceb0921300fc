// Which line an instruction of a code object belongs to, from the object's table of lines: the three formats
// that CPython has had (Objects/lnotab_notes.txt of 3.9 and of 3.10, Objects/locations.md of 3.11).
//
// `Bytes` gives the table byte by byte: int next(), -1 at the end. 0: no line.
#pragma once

#include <cstdint>

namespace socktrack::python {

// Up to 3.9: pairs of steps in bytes and in lines.
template <typename Bytes>
int line_by_steps(Bytes bytes, int first_line, int offset) {
  int line = first_line;
  int at = 0;
  for (;;) {
    const int code_step = bytes.next();
    const int line_step = bytes.next();
    if (line_step < 0) return line;
    at += code_step;
    if (at > offset) return line;
    line += static_cast<std::int8_t>(line_step);
  }
}

// 3.10: pairs of a length in bytes and a step in lines; -128 is code without a line.
template <typename Bytes>
int line_by_ranges(Bytes bytes, int first_line, int offset) {
  int line = first_line;
  int end = 0;
  for (;;) {
    const int length = bytes.next();
    const int line_step = bytes.next();
    if (line_step < 0) return 0;
    end += length;
    const bool has_line = line_step != 0x80;
    if (has_line) line += static_cast<std::int8_t>(line_step);
    if (end > offset) return has_line ? line : 0;
  }
}

template <typename Bytes>
int signed_number(Bytes& bytes) {
  unsigned value = 0;
  for (unsigned shift = 0; shift < 30; shift += 6) {
    const int byte = bytes.next();
    if (byte < 0) break;
    value |= (static_cast<unsigned>(byte) & 0x3fU) << shift;
    if ((byte & 0x40) == 0) break;
  }
  const int magnitude = static_cast<int>(value >> 1U);
  return (value & 1U) != 0 ? -magnitude : magnitude;
}

// From 3.11: entries of a first byte (set high bit, kind, length in words) and what the kind needs. No byte
// but the first has its high bit set.
template <typename Bytes>
int line_by_locations(Bytes bytes, int first_line, int offset) {
  constexpr int kNone = 15;
  constexpr int kLong = 14;
  constexpr int kNoColumns = 13;
  constexpr int kOneLine = 10;
  int line = first_line;
  int end = 0;
  int byte = bytes.next();
  while (byte >= 0) {
    if (byte < 0x80) return 0;
    const int kind = (byte >> 3) & 15;
    end += ((byte & 7) + 1) * 2;
    if (kind == kLong || kind == kNoColumns) {
      line += signed_number(bytes);
    } else if (kind >= kOneLine && kind < kNoColumns) {
      line += kind - kOneLine;
    }
    if (end > offset) return kind == kNone ? 0 : line;
    while ((byte = bytes.next()) >= 0 && byte < 0x80) {
    }
  }
  return 0;
}

}  // namespace socktrack::python
