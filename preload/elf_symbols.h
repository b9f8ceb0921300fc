// A function or object that a loaded module exports, found in the module's own tables as the loader mapped
// them. Unlike dlsym: no loader lock, so it may be asked in a hook.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>

namespace socktrack {

struct ExportedSymbol {
  std::uintptr_t address = 0;  // 0 = the module exports no such name
  std::size_t size = 0;        // bytes, as the module says
};

ExportedSymbol exported_symbol(const dl_find_object& module, const char* name);

}  // namespace socktrack
