// Names, inlined frames, file and line through elfutils, from the file a module was loaded from (and
// its separate debug file where one is installed). The network is asked only by those who say so.
#pragma once

#include <memory>
#include <string>

#include "watch/names.h"

namespace socktrack {

// Where else to look, for recordings of another machine.
struct DebugPlaces {
  std::string sysroot;     // put before the paths of modules; "" = this machine
  std::string debug_path;  // directories of separate debug files, as elfutils wants them; "" = the usual ones
  bool debuginfod = false;  // may ask the servers of DEBUGINFOD_URLS
};

std::unique_ptr<Names> make_dwarf_names(const DebugPlaces& places = {});

}  // namespace socktrack
