// Tables as three versions of CPython made them for the same function, and the lines they say for each
// instruction.
#include "preload/python_line_tables.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace socktrack::python {
namespace {

struct Bytes {
  const std::vector<std::uint8_t>* table;
  std::size_t used = 0;
  int next() { return used < table->size() ? (*table)[used++] : -1; }
};

using Table = std::vector<std::uint8_t>;
using Lines = std::vector<int>;  // of every second byte of code

template <typename Decode>
void expect_lines(const Table& table, const Lines& lines, Decode decode) {
  for (std::size_t i = 0; i < lines.size(); i++)
    EXPECT_EQ(decode(Bytes{&table}, 2, static_cast<int>(2 * i)), lines[i]) << "at byte " << 2 * i;
}

TEST(PythonLineTables, StepsOf39) {
  const Table table{0, 1, 2, 1, 2, 255, 4, 2, 12, 1, 4, 1, 6, 1, 2, 255, 6, 2, 2, 1, 8, 2, 14, 127, 0, 75};
  const Lines lines{3, 4, 3, 3,  5,  5,  5,  5,  5,  5,  6,  6,  7,  7,  7,   8,  7,
                    7, 7, 9, 10, 10, 10, 10, 12, 12, 12, 12, 12, 12, 12, 214, 214};
  expect_lines(table, lines, line_by_steps<Bytes>);
}

TEST(PythonLineTables, RangesOf310) {
  const Table table{2, 1, 2, 1, 4, 255, 12, 2, 4, 1, 6, 1, 2, 1, 6, 255, 2, 2, 8, 1, 12, 2, 0, 127, 4, 75};
  const Lines lines{3, 4, 3, 3, 5,  5,  5,  5,  5,  5,  6,  6,  7,  7,  7,   8,
                    7, 7, 7, 9, 10, 10, 10, 10, 12, 12, 12, 12, 12, 12, 214, 214};
  expect_lines(table, lines, line_by_ranges<Bytes>);
  EXPECT_EQ(line_by_ranges(Bytes{&table}, 2, 64), 0) << "beyond the code";
}

TEST(PythonLineTables, LocationsOf313) {
  const Table table{128, 0,   216, 9,   10,  216, 9,   10, 241, 3,   1,   10,  11,  128, 65,  228, 13,  18,
                    144, 49,  142, 88,  136, 1,   222, 11, 12,  216, 12,  13,  148, 17,  144, 49,  216, 19,
                    20,  243, 3,   1,   18,  22,  241, 0,  1,   13,  22,  136, 65,  240, 4,   3,   9,   18,
                    217, 12,  13,  140, 67,  224, 16,  17, 138, 65,  241, 15,  0,   14,  22,  240, 98,  6,
                    0,   12,  13,  128, 72,  248, 240, 85, 6,   0,   17,  18,  137, 65,  250};
  const Lines lines{2, 3,  4,  3,  3,  3,  5,  5,  5,  5,  5,  5,  5, 5, 5,   5,   5, 5,  5,  5,  6,
                    6, 6,  6,  6,  6,  6,  7,  7,  7,  7,  7,  7,  7, 8, 7,   7,   7, 7,  7,  7,  7,
                    9, 10, 10, 10, 10, 10, 10, 10, 12, 12, 12, 12, 5, 5, 214, 214, 0, 12, 12, 12, 0};
  expect_lines(table, lines, line_by_locations<Bytes>);
  EXPECT_EQ(line_by_locations(Bytes{&table}, 2, 4000), 0) << "beyond the code";
}

TEST(PythonLineTables, WhatIsNoTable) {
  const Table cut{240};
  const Table wrong{1, 2, 3};
  EXPECT_EQ(line_by_locations(Bytes{&wrong}, 2, 0), 0);
  EXPECT_EQ(line_by_locations(Bytes{&cut}, 2, 100), 0);
  EXPECT_EQ(line_by_ranges(Bytes{&cut}, 2, 0), 0);
  EXPECT_EQ(line_by_steps(Bytes{&cut}, 2, 0), 2);
}

}  // namespace
}  // namespace socktrack::python
