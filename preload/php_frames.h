// The PHP functions that the calling thread is in.
//
// PHP's own functions tell the file and line that are executed; they only read what belongs to the one thread
// that runs PHP (builds without thread safety). Where the engine keeps the frames behind that line differs
// from version to version: the place is found by looking for the frame that says the same, and each stack is
// believed only as long as it does. No allocation, no lock. Never below a signal handler.
#pragma once

#include <dlfcn.h>

#include <cstdint>

namespace socktrack::php {

struct Line {
  char function[200];  // "Shop\Pool::take"; "{main}" of code outside of functions
  char file[400];
  std::uint32_t line;
};

// Is it the module of the engine? Asked once of each, when a stack first runs through it.
void consider(const dl_find_object& module);
void forget_if_gone();  // after dlclose
bool is_known();

// True for code of the function that runs PHP code: where its frames belong in the native stack, and the
// proof that this thread is the one that runs PHP.
bool runs_php(std::uintptr_t address);
// True for other code of the engine's module.
bool is_engine(std::uintptr_t address);

// Visits the frames, innermost first, until `visit` returns false. For threads whose stack runs PHP.
void for_each_line(bool (*visit)(const Line& line, void* argument), void* argument);

}  // namespace socktrack::php
