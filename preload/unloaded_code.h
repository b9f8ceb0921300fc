// Addresses where code has been unloaded: other code may come to the same place, and then the same address
// is another line of another program. Lock-free.
#pragma once

#include <cstdint>

namespace socktrack {

// A module that lay at [start, end) is gone. What is remembered of frames is forgotten.
void note_unloaded_code(std::uintptr_t start, std::uintptr_t end);

// How many modules that lay at `address` are gone.
std::uint32_t turn_of_code(std::uintptr_t address);

}  // namespace socktrack
