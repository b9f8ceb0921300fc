// What the unwinder is told of code that is not there any more.
//
//   Hazard: a plugin that called exit() is unloaded by a handler of exit and is still on the stack (Apache
//   does so with the module its workers run in). libgcc, which finds no call frame information, looks at the
//   bytes there, for they might be those of a signal's return: a crash. Rule: the linker leads libgcc's
//   question here, and where nothing can be read the answer is call frame information of our own, which says
//   that the stack ends.
#include <cstddef>
#include <cstdint>

#include "preload/find_fde.h"
#include "preload/readable.h"

extern "C" const void* __real__Unwind_Find_FDE(void* address, dwarf_eh_bases* bases);

namespace socktrack {
namespace {

#if defined(__x86_64__)
constexpr std::uint8_t kReturnAddress = 16, kStackPointer = 7;
#else
constexpr std::uint8_t kReturnAddress = 30, kStackPointer = 31;
#endif

// As in .eh_frame: a CIE and its only FDE.
struct EndOfStack {
  std::uint32_t cie_size = 12;
  std::uint32_t cie_id = 0;
  std::uint8_t version = 1;
  std::uint8_t augmentation = 0;
  std::uint8_t code_factor = 1;
  std::uint8_t data_factor = 0x78;  // -8
  std::uint8_t return_address = kReturnAddress;
  std::uint8_t define_cfa[3] = {0x0c, kStackPointer, 8};
  std::uint32_t fde_size = 24;
  std::uint32_t distance_to_cie = 20;
  std::uint64_t start = 0;
  std::uint64_t size = ~std::uint64_t{0};
  std::uint8_t undefined[4] = {0x07, kReturnAddress, 0, 0};
};
constexpr EndOfStack kEndOfStack;
static_assert(sizeof kEndOfStack == 48 && offsetof(EndOfStack, fde_size) == 16);

constexpr std::size_t kSignalReturn = 9;  // bytes that libgcc would look at

}  // namespace
}  // namespace socktrack

// `address` is one before the return address.
extern "C" __attribute__((visibility("hidden"), used)) const void* __wrap__Unwind_Find_FDE(
    void* address, dwarf_eh_bases* bases) {
  const void* found = __real__Unwind_Find_FDE(address, bases);
  if (found != nullptr || socktrack::is_readable(static_cast<char*>(address) + 1, socktrack::kSignalReturn))
    return found;
  *bases = {nullptr, nullptr, address};
  return &socktrack::kEndOfStack.fde_size;
}
