// Whose end asyncio has just read. Its loop makes the calls, so that the program has no line in the stack:
// what it has is a coroutine that waits, found through the objects of the loop (transport, protocol, reader,
// future, task), or a function that the loop calls for this connection.
//
// Only where CPython's own event loop (asyncio/selector_events.py) makes the call, with the tasks and futures
// of its C module. As python_objects.h: no lock, no reference, every word is copied by the kernel.
#pragma once

#include <dlfcn.h>

#include "preload/python_futures.h"

namespace socktrack::python {

// What a callback of the loop is about.
struct Subject {
  enum class Kind : std::uint8_t { none, transport, future, factory };
  Kind kind = Kind::none;
  int local = 0;  // which local variable of the frame holds it
};
Subject subject_of(const Line& line);

// The lines that wait, innermost first; else the function that is called.
void find_places(Subject::Kind kind, Address object, Places& places);

bool bind_tasks(int minor);

}  // namespace socktrack::python
