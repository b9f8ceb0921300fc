// The Python functions that the calling thread is in, without the interpreter's help.
//
// The frames belong to this thread, and it is inside a C call they made: they hold still, and the global lock
// is not needed. It must not be taken: a program may hold a lock of its own across recv with the GIL
// released (stacks.md C; PyGILState_Ensure deadlocked there). No allocation, no lock. Never below a signal
// handler, which may have come while a frame was being pushed.
#pragma once

#include <dlfcn.h>

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::python {

// One Python frame, innermost first. Texts are the interpreter's own: valid during the call.
struct Line {
  char function[200];  // qualified name where the version knows it; UTF-8, cut
  char file[400];
  std::uint32_t line;
  bool entry;  // its caller is C code, another stretch of the native stack
  LineRole role = LineRole::running;
  // Of lines that may be known by it (known_lines.h). A line that is known has its index and no text.
  std::uint64_t place = 0;
  std::uint32_t known = 0;
  std::uint8_t note = 0;
};

// Found to be the module of an interpreter (once, when a stack first runs through it)?
void consider(const dl_find_object& module);

// False: no interpreter is known, or its version is not.
void forget_if_gone();  // after dlclose
bool is_known();

// True for code of the function that runs Python code: where Python frames belong in the native stack.
bool runs_python(std::uintptr_t address);
// True for code of the functions that finalize objects nobody refers to any more.
bool runs_finalizer(std::uintptr_t address);
// True for other code of the interpreter's module.
bool is_interpreter(std::uintptr_t address);

// Visits the frames of this thread until `visit` returns false; behind those of a callback of asyncio the
// lines it is made for (python_tasks.h). False: there are none.
bool for_each_line(bool (*visit)(const Line& line, void* argument), void* argument);

}  // namespace socktrack::python
