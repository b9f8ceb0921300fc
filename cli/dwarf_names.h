// Names, inlined frames, file and line through elfutils, from the file a module was loaded from (and
// its separate debug file where one is installed). Never asks the network.
#pragma once

#include <memory>

#include "watch/names.h"

namespace socktrack {

std::unique_ptr<Names> make_dwarf_names();

}  // namespace socktrack
