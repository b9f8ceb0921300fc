#include "preload/elf_symbols.h"

#include <elf.h>
#include <link.h>

#include <cstring>

namespace socktrack {
namespace {

struct Tables {
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  const std::uint32_t* hash = nullptr;  // DT_GNU_HASH
};

// The loader relocates these entries in place on x86-64 and aarch64 alike, but not those of the vDSO, whose
// memory is the kernel's: there they are still offsets.
Tables tables_of(const link_map& module) {
  Tables tables;
  const auto at = [&](const ElfW(Dyn) & entry) {
    const std::uintptr_t value = entry.d_un.d_ptr;
    return value < module.l_addr ? module.l_addr + value : value;
  };
  for (const ElfW(Dyn)* entry = module.l_ld; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_SYMTAB) tables.symbols = reinterpret_cast<const ElfW(Sym)*>(at(*entry));
    if (entry->d_tag == DT_STRTAB) tables.strings = reinterpret_cast<const char*>(at(*entry));
    if (entry->d_tag == DT_GNU_HASH) tables.hash = reinterpret_cast<const std::uint32_t*>(at(*entry));
  }
  return tables;
}

std::uint32_t gnu_hash(const char* name) {
  std::uint32_t hash = 5381;
  for (; *name != '\0'; name++) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

const ElfW(Sym) * find(const Tables& tables, const char* name) {
  const std::uint32_t buckets = tables.hash[0];
  const std::uint32_t first = tables.hash[1];
  const std::uint32_t bloom_words = tables.hash[2];
  const std::uint32_t* bucket = tables.hash + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t));
  const std::uint32_t* chain = bucket + buckets;
  const std::uint32_t wanted = gnu_hash(name);
  std::uint32_t index = buckets == 0 ? 0 : bucket[wanted % buckets];
  for (; index >= first && index != 0; index++) {
    const std::uint32_t hash = chain[index - first];
    const ElfW(Sym)& symbol = tables.symbols[index];
    if ((hash | 1U) == (wanted | 1U) && std::strcmp(tables.strings + symbol.st_name, name) == 0 &&
        symbol.st_shndx != SHN_UNDEF)
      return &symbol;
    if ((hash & 1U) != 0) break;
  }
  return nullptr;
}

}  // namespace

ExportedSymbol exported_symbol(const dl_find_object& module, const char* name) {
  const link_map* map = module.dlfo_link_map;
  if (map == nullptr || map->l_ld == nullptr) return {};
  const Tables tables = tables_of(*map);
  if (tables.symbols == nullptr || tables.strings == nullptr || tables.hash == nullptr) return {};
  const ElfW(Sym)* symbol = find(tables, name);
  if (symbol == nullptr) return {};
  return {map->l_addr + symbol->st_value, symbol->st_size};
}

}  // namespace socktrack
