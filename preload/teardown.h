// Is the language runtime tearing itself down? Then it closes whatever the program left behind: sockets that
// were leaked all along, and that would pass for closed.
#pragma once

namespace socktrack::teardown {

// Looks for the runtime's own question. By the constructor: dlsym takes the loader's lock.
void prepare();

// CPython closes all socket objects while it finalizes (stacks.md C has the symbols).
bool under_way();

}  // namespace socktrack::teardown
