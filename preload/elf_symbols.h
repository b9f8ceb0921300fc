// Functions and objects that a loaded module exports, found in the module's own tables as the loader mapped
// them. Unlike dlsym: no loader lock, so it may be asked in a hook, and no error text for a name that is not
// there.
#pragma once

#include <dlfcn.h>
#include <link.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace socktrack {

constexpr std::uint32_t gnu_hash(std::string_view name) {
  std::uint32_t hash = 5381;
  for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

class ElfSymbols {
 public:
  explicit ElfSymbols(const link_map& module);
  // False: the module has no table of the kind that can be searched here (DT_GNU_HASH).
  bool searchable() const;
  // What dlsym would find in this module: the default version of the name.
  const ElfW(Sym) * find(const char* name, std::uint32_t hash) const;

 private:
  bool is_default_version(std::size_t index) const;
  const ElfW(Sym) * symbols_ = nullptr;
  const ElfW(Half) * versions_ = nullptr;
  const char* strings_ = nullptr;
  const std::uint32_t* hash_ = nullptr;
};

struct ExportedSymbol {
  std::uintptr_t address = 0;  // 0 = the module exports no such name
  std::size_t size = 0;        // bytes, as the module says
};

ExportedSymbol exported_symbol(const dl_find_object& module, const char* name);

// False: the module exports no such function.
template <typename Function>
bool bind(const dl_find_object& module, const char* name, Function& function) {
  function = reinterpret_cast<Function>(exported_symbol(module, name).address);
  return function != nullptr;
}

}  // namespace socktrack
