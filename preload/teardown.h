// Is the program, or its language runtime, tearing itself down? Then it closes whatever was left behind:
// sockets that were leaked all along, and that would pass for closed.
#pragma once

namespace socktrack::teardown {

// Looks for the functions that tell. By the constructor: dlsym takes the loader's lock.
void prepare();

// CPython closes all socket objects while it finalizes (stacks.md C has the symbols). Cheap.
bool under_way();

// Is the caller called from exit(), by an exit handler or the destructor of a static object, or from the end
// of the Perl interpreter or of a PHP script? Takes a stack: ask only about sockets that deserve it.
bool is_calling();

}  // namespace socktrack::teardown
