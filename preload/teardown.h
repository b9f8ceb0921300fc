// Is the program, or its language runtime, tearing itself down? Then it closes whatever was left behind:
// sockets that were leaked all along, and that would pass for closed.
#pragma once

#include <dlfcn.h>

namespace socktrack::teardown {

// Notes exit(). By the constructor.
void prepare();

// Notes the functions of a language runtime that tell of its end, if they are this module's. Called with each
// module that is first seen in a stack: who closes sockets has opened some. Not by dlsym at the start: a name
// that nobody has costs a search of every module and the text of an error, in every program. No lock; any
// thread.
void consider(const dl_find_object& module);

// After dlclose: what lay in a module that is gone must not be called.
void forget_the_gone();

// CPython closes all socket objects while it finalizes (stacks.md C has the symbols). Cheap.
bool under_way();

// Is the caller called from exit(), by an exit handler or the destructor of a static object, or from the end
// of a Python (what atexit was given), Perl, PHP, Ruby or node program? Takes a stack: ask only about sockets
// that deserve it.
bool is_calling();

}  // namespace socktrack::teardown
