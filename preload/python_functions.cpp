#include "preload/python_functions.h"

#include <algorithm>

namespace socktrack::python {
namespace {

constexpr int kCellContent = 16;
// Up to 3.9, and from 3.10; bytes.
int g_code = 0;
int g_closure = 0;

}  // namespace

bool bind_functions(int minor) {
  g_code = minor <= 9 ? 16 : 48;
  g_closure = minor <= 9 ? 48 : 72;
  return true;
}

Address code_of(const Head& function) { return function.word(g_code); }

int held_by(const Head& function, Address (&held)[kMostHeld]) {
  const Address closure = function.word(g_closure);
  char tuple[kTupleItems + 8 * kMostHeld] = {};
  if (closure == 0 || copy_some(closure, tuple, sizeof tuple) < kTupleItems + 8 ||
      field<Address>(tuple, 8) != known_classes.tuple)
    return 0;
  const auto cells = std::clamp<std::int64_t>(field<std::int64_t>(tuple, kTupleSize), 0, kMostHeld);
  int count = 0;
  for (int i = 0; i < static_cast<int>(cells); i++) {
    Head cell;
    if (cell.read(field<Address>(tuple, kTupleItems + 8 * i)) && cell.its_class() == known_classes.cell)
      held[count++] = cell.word(kCellContent);
  }
  return count;
}

}  // namespace socktrack::python
