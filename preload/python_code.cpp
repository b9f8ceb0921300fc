#include "preload/python_code.h"

#include <algorithm>

#include "preload/hash_mix.h"
#include "preload/python_line_tables.h"

namespace socktrack::python {
namespace {

// Made with offsetof from each version's headers; bytes.
struct CodeShape {
  int minor;
  int first_line;
  int file;
  int function;
  int line_table;
};
constexpr CodeShape kShapes[] = {
    {8, 40, 104, 112, 120},  {9, 40, 104, 112, 120},  {10, 40, 104, 112, 120},
    {11, 72, 112, 128, 136}, {12, 68, 112, 128, 136}, {13, 68, 112, 128, 136},
};
constexpr std::size_t kCodeRead = 144;
constexpr std::int64_t kMostBytes = 1L << 20U;

const CodeShape* g_shape = nullptr;

// The content of a bytes object, piece by piece.
class TableBytes {
 public:
  explicit TableBytes(Address object) : at_(object + 32) {
    char head[24];
    if (!copy_whole(object, head, sizeof head)) return;
    left_ = field<std::int64_t>(head, 16);
    if (left_ > kMostBytes) left_ = 0;
  }
  int next() {
    if (used_ == filled_ && !fill()) return -1;
    return part_[used_++];
  }

 private:
  bool fill() {
    if (left_ <= 0) return false;
    filled_ = copy_some(
        at_, part_,
        left_ < static_cast<std::int64_t>(sizeof part_) ? static_cast<std::size_t>(left_) : sizeof part_);
    at_ += filled_;
    left_ = filled_ == 0 ? 0 : left_ - static_cast<std::int64_t>(filled_);
    used_ = 0;
    return filled_ > 0;
  }

  Address at_;
  std::int64_t left_ = 0;
  std::size_t used_ = 0, filled_ = 0;
  unsigned char part_[256] = {};
};

int line_of(const char* code, int offset) {
  const int first = field<int>(code, g_shape->first_line);
  if (offset < 0) return first;
  const TableBytes table(field<Address>(code, g_shape->line_table));
  if (g_shape->minor <= 9) return line_by_steps(table, first, offset);
  if (g_shape->minor == 10) return line_by_ranges(table, first, offset);
  return line_by_locations(table, first, offset);
}

}  // namespace

bool bind_code(int minor) {
  for (const CodeShape& shape : kShapes) {
    if (shape.minor == minor) g_shape = &shape;
  }
  return g_shape != nullptr;
}

//   Hazard: memory is used again; another code object may come to the same address. Rule: its texts and its
//   table count too: all of them would have to come to the same addresses again.
void identify(const Place* places, std::size_t count, std::uint64_t* identities) {
  char codes[kMostPieces][kCodeRead] = {};
  Piece pieces[kMostPieces];
  count = std::min(count, kMostPieces);
  for (std::size_t i = 0; i < count; i++) pieces[i] = {places[i].code, codes[i], kCodeRead};
  copy_memory(pieces, count);
  for (std::size_t i = 0; i < count; i++) {
    identities[i] = 0;
    if (field<Address>(codes[i], 8) != known_classes.code) continue;
    std::uint64_t hash = process::pid();  // a child of a fork has another recording
    for (const std::uint64_t part :
         {std::uint64_t{places[i].code}, static_cast<std::uint64_t>(places[i].offset) + 1,
          static_cast<std::uint64_t>(places[i].role), field<std::uint64_t>(codes[i], g_shape->file),
          field<std::uint64_t>(codes[i], g_shape->function),
          field<std::uint64_t>(codes[i], g_shape->line_table),
          std::uint64_t{field<std::uint32_t>(codes[i], g_shape->first_line)}})
      hash = mix(hash, part);
    identities[i] = at_least_1(hash);
  }
}

bool read_place(const Place& place, Line& line) {
  char code[kCodeRead];
  if (!copy_whole(place.code, code, sizeof code) || field<Address>(code, 8) != known_classes.code)
    return false;
  copy_text(field<Address>(code, g_shape->function), line.function, sizeof line.function);
  copy_text(field<Address>(code, g_shape->file), line.file, sizeof line.file);
  const int number = line_of(code, place.offset);
  line.line = number > 0 ? static_cast<std::uint32_t>(number) : 0;
  line.entry = false;
  line.role = place.role;
  line.place = 0;
  return line.function[0] != '\0' && line.file[0] != '\0';
}

}  // namespace socktrack::python
