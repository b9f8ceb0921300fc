// Futures and tasks of asyncio's C module: which coroutines wait for one, and at which lines. As
// python_objects.h: nothing is dereferenced.
#pragma once

#include "preload/python_code.h"

namespace socktrack::python {

inline constexpr unsigned kMostPlaces = 12;

struct Places {
  Place at[kMostPlaces];
  unsigned count = 0;
};

bool bind_futures(int minor);

// The coroutines that wait for a future or are those of a task, innermost first, and those that wait for
// these, as far as the task `last`.
void add_waiting(Address awaited, Places& places, Address last = 0);

}  // namespace socktrack::python
