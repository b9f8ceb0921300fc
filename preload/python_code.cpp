#include "preload/python_code.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "preload/hash_mix.h"
#include "preload/python_line_tables.h"
#include "preload/python_text.h"

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
constexpr std::size_t kTableHead = 32;
constexpr std::int64_t kMostHashed = 4096;  // of a table: a microsecond; a longer one is read each time
constexpr std::int64_t kMostBytes = 1L << 20U;

const CodeShape* g_shape = nullptr;

// What most functions need of each, all of it read by one call of the kernel.
struct Texts {
  char function[72 + 120];
  char file[72 + 184];
  char table[32 + 224];
  std::size_t copied[3];

  void read(const char* code) {
    const Piece pieces[] = {{field<Address>(code, g_shape->function), function, sizeof function},
                            {field<Address>(code, g_shape->file), file, sizeof file},
                            {field<Address>(code, g_shape->line_table), table, sizeof table}};
    std::size_t left = copy_memory(pieces, std::size(pieces));
    for (std::size_t i = 0; i < std::size(pieces); i++) {
      copied[i] = std::min(left, pieces[i].size);
      left -= copied[i];
    }
  }
};

// The content of a bytes object: what was copied of it, then piece by piece.
class TableBytes {
 public:
  TableBytes(Address object, const char* copy, std::size_t copied) : at_(object + kTableHead) {
    char head[kTableHead];
    if (copied < kTableHead) {
      if (!copy_whole(object, head, sizeof head)) return;
      copy = head;
      copied = kTableHead;
    }
    left_ = field<std::int64_t>(copy, 16);
    if (left_ < 0 || left_ > kMostBytes) left_ = 0;
    take(copy + kTableHead, copied - kTableHead);
  }
  int next() {
    if (used_ == filled_ && !fill()) return -1;
    return part_[used_++];
  }

 private:
  void take(const char* bytes, std::size_t count) {
    filled_ = std::min(count, static_cast<std::size_t>(left_));
    std::memcpy(part_, bytes, filled_);
    at_ += filled_;
    left_ -= static_cast<std::int64_t>(filled_);
  }
  bool fill() {
    if (left_ <= 0) return false;
    filled_ = copy_some(at_, part_, std::min(sizeof part_, static_cast<std::size_t>(left_)));
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

int line_of(const char* code, int offset, const Texts& texts) {
  const int first = field<int>(code, g_shape->first_line);
  if (offset < 0) return first;
  const TableBytes table(field<Address>(code, g_shape->line_table), texts.table, texts.copied[2]);
  if (g_shape->minor <= 9) return line_by_steps(table, first, offset);
  if (g_shape->minor == 10) return line_by_ranges(table, first, offset);
  return line_by_locations(table, first, offset);
}

std::uint64_t identity_of(const Place& place, const char* code) {
  if (field<Address>(code, 8) != known_classes.code) return 0;
  std::uint64_t hash = process::pid();  // a child of a fork has another recording
  for (const std::uint64_t part :
       {std::uint64_t{place.code}, static_cast<std::uint64_t>(place.offset) + 1,
        static_cast<std::uint64_t>(place.role), field<std::uint64_t>(code, g_shape->file),
        field<std::uint64_t>(code, g_shape->function), field<std::uint64_t>(code, g_shape->line_table),
        std::uint64_t{field<std::uint32_t>(code, g_shape->first_line)}})
    hash = mix(hash, part);
  return at_least_1(hash);
}

std::uint64_t hash_of_text(std::uint64_t hash, const void* text) {
  if (text == nullptr || field<Address>(text, 8) != known_classes.text) return hash;
  const TextHead head(text);
  const auto size = static_cast<std::size_t>(head.length) * head.kind;
  return head.sound ? mix_bytes(hash, static_cast<const char*>(text) + text_at(head.ascii), size) : hash;
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
void identify(const Place* places, std::size_t count, Code* codes) {
  Piece pieces[kMostPieces];
  count = std::min(count, kMostPieces);
  for (std::size_t i = 0; i < count; i++) pieces[i] = {places[i].code, codes[i].bytes, sizeof codes[i].bytes};
  copy_memory(pieces, count);
  for (std::size_t i = 0; i < count; i++) codes[i].identity = identity_of(places[i], codes[i].bytes);
}

//   Hazard: a program that compiles code again and again gets the same addresses again.
std::uint64_t identity_of_running(const void* code, int offset) {
  if (g_shape == nullptr) return 0;
  const Place place{reinterpret_cast<Address>(code), offset, LineRole::running};
  std::uint64_t hash = identity_of(place, static_cast<const char*>(code));
  if (hash == 0) return 0;
  const char* table = field<const char*>(code, g_shape->line_table);
  const std::int64_t size = table == nullptr ? -1 : field<std::int64_t>(table, 16);
  if (size < 0 || size > kMostHashed) return 0;
  hash = hash_of_text(hash, field<const void*>(code, g_shape->file));
  hash = hash_of_text(hash, field<const void*>(code, g_shape->function));
  return at_least_1(mix_bytes(hash, table + kTableHead, static_cast<std::size_t>(size)));
}

bool read_place(const Place& place, const Code& code, Line& line) {
  Texts texts;
  texts.read(code.bytes);
  copy_text(field<Address>(code.bytes, g_shape->function), texts.function, texts.copied[0], line.function,
            sizeof line.function);
  copy_text(field<Address>(code.bytes, g_shape->file), texts.file, texts.copied[1], line.file,
            sizeof line.file);
  const int number = line_of(code.bytes, place.offset, texts);
  line.line = number > 0 ? static_cast<std::uint32_t>(number) : 0;
  line.entry = false;
  line.role = place.role;
  return line.function[0] != '\0' && line.file[0] != '\0';
}

}  // namespace socktrack::python
