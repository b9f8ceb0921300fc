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

// The beginning of a code object, and what it is told from others by without its texts; 0 = no such code
// object.
struct Code {
  char bytes[144] = {};
  std::uint64_t identity = 0;
};

// At most kMostPieces.
void identify(const Place* places, std::size_t count, Code* codes);

// The same of a code object that is being executed by this thread: it holds still, and what its texts and its
// table say counts, too. 0: the version is not known so well.
std::uint64_t identity_of_running(const void* code, int offset);

// False: no names.
bool read_place(const Place& place, const Code& code, Line& line);

}  // namespace socktrack::python
