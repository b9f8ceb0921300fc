// Can the library be loaded here at all? Asked before the program is started: a short program is over
// before anybody could look whether it got the library.
#pragma once

#include <string>

namespace socktrack {

// Loads `library` into a forked copy of this process, which ends at once. Returns "", or the loader's own
// sentence on why not: no library, another machine, a mount without exec rights, a libc that is too old.
std::string problem_of_loading(const std::string& library);

}  // namespace socktrack
