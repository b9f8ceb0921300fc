#include "compared.h"

#include <cstdio>
#include <cstring>

#include "preload/stack_walk.h"
#include "preload/unloaded_code.h"

using namespace socktrack;

namespace {

bool agree(const StackView& taken, const Stack& unwound) {
  return taken.depth == unwound.depth &&
         std::memcmp(taken.addresses, unwound.addresses, taken.depth * sizeof taken.addresses[0]) == 0;
}

void print(const char* name, const std::uintptr_t* addresses, std::uint32_t depth) {
  std::fprintf(stderr, "%s:", name);
  for (std::uint32_t i = 0; i < depth; i++) std::fprintf(stderr, " %zx", addresses[i]);
  std::fprintf(stderr, "\n");
}

}  // namespace

// Twice: the second time it is a stack seen before.
extern "C" std::uint32_t depth_if_both_agree() {
  Stack unwound;
  unwind_stack(unwound);
  for (int i = 0; i < 2; i++) {
    Stack scratch;
    const StackView taken = take_stack(scratch);
    if (agree(taken, unwound)) continue;
    print(i == 0 ? "taken" : "replayed", taken.addresses, taken.depth);
    print("unwound", unwound.addresses, unwound.depth);
    return 0;
  }
  return unwound.depth;
}

extern "C" std::uint32_t depth_by_walking() {
  Stack scratch;
  return take_stack(scratch).depth;
}

extern "C" std::uint32_t depth_by_unwinding() {
  Stack stack;
  unwind_stack(stack);
  return stack.depth;
}

extern "C" void code_was_unloaded() { note_unloaded_code(0, 1); }
