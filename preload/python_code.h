// What a code object of the Python heap says of itself: as python_objects.h, nothing is dereferenced.
#pragma once

#include "preload/python_frames.h"
#include "preload/python_objects.h"

namespace socktrack::python {

inline constexpr int kDefinition = -1;  // the line where the function begins

// An instruction of a code object, in bytes from its first one; or the definition.
struct Place {
  Address code;
  int offset;
  LineRole role;
};

bool bind_code(int minor);

// False: no such code object.
bool read_place(const Place& place, Line& line);

// What code objects are told from others by without their texts: a hash for each place, 0 = no such code
// object. At most kMostPieces.
void identify(const Place* places, std::size_t count, std::uint64_t* identities);

}  // namespace socktrack::python
