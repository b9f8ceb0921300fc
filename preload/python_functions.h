// Functions of the Python heap: their code, and the variables they took over from the function around them.
#pragma once

#include "preload/python_objects.h"

namespace socktrack::python {

inline constexpr int kTupleSize = 16, kTupleItems = 24;
inline constexpr int kMostHeld = 8;

bool bind_functions(int minor);

Address code_of(const Head& function);

// What those variables hold. Returns how many.
int held_by(const Head& function, Address (&held)[kMostHeld]);

}  // namespace socktrack::python
