#include "preload/elf_symbols.h"

#include <elf.h>

#include <cstring>

namespace socktrack {
namespace {

bool is_defined(const ElfW(Sym) & symbol) {
  return symbol.st_shndx != SHN_UNDEF && symbol.st_value != 0 &&
         ELF64_ST_VISIBILITY(symbol.st_other) != STV_HIDDEN;
}

}  // namespace

// The loader relocates these entries in place on x86-64 and aarch64 alike, but not those of the vDSO, whose
// memory is the kernel's: there they are still offsets.
ElfSymbols::ElfSymbols(const link_map& module) {
  const auto at = [&](const ElfW(Dyn) & entry) {
    const std::uintptr_t value = entry.d_un.d_ptr;
    return value < module.l_addr ? module.l_addr + value : value;
  };
  for (const ElfW(Dyn)* entry = module.l_ld; entry != nullptr && entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_SYMTAB) symbols_ = reinterpret_cast<const ElfW(Sym)*>(at(*entry));
    if (entry->d_tag == DT_STRTAB) strings_ = reinterpret_cast<const char*>(at(*entry));
    if (entry->d_tag == DT_GNU_HASH) hash_ = reinterpret_cast<const std::uint32_t*>(at(*entry));
    if (entry->d_tag == DT_VERSYM) versions_ = reinterpret_cast<const ElfW(Half)*>(at(*entry));
  }
}

bool ElfSymbols::searchable() const { return symbols_ != nullptr && strings_ != nullptr && hash_ != nullptr; }

// A name@VERSION, which is what old programs are bound to, has the topmost bit set; a name@@VERSION has not.
bool ElfSymbols::is_default_version(std::size_t index) const {
  return versions_ == nullptr || (versions_[index] & 0x8000U) == 0;
}

// DT_GNU_HASH: four words of header, a filter of two bits a name, buckets, and a hash for each symbol, whose
// lowest bit ends the bucket.
const ElfW(Sym) * ElfSymbols::find(const char* name, std::uint32_t wanted) const {
  constexpr std::uint32_t kBits = 8 * sizeof(ElfW(Addr));
  const std::uint32_t buckets = hash_[0];
  const std::uint32_t first = hash_[1];
  const std::uint32_t filter_words = hash_[2];
  const auto* filter = reinterpret_cast<const ElfW(Addr)*>(hash_ + 4);
  const ElfW(Addr) word = filter[wanted / kBits % filter_words];
  if ((word >> (wanted % kBits) & word >> ((wanted >> hash_[3]) % kBits) & 1U) == 0) return nullptr;
  const auto* bucket = reinterpret_cast<const std::uint32_t*>(filter + filter_words);
  const std::uint32_t* chain = bucket + buckets;
  std::uint32_t index = buckets == 0 ? 0 : bucket[wanted % buckets];
  for (; index >= first && index != 0; index++) {
    const std::uint32_t hash = chain[index - first];
    const ElfW(Sym)& symbol = symbols_[index];
    if ((hash | 1U) == (wanted | 1U) && is_defined(symbol) && is_default_version(index) &&
        std::strcmp(strings_ + symbol.st_name, name) == 0)
      return &symbol;
    if ((hash & 1U) != 0) break;
  }
  return nullptr;
}

ExportedSymbol exported_symbol(const dl_find_object& module, const char* name) {
  const link_map* map = module.dlfo_link_map;
  if (map == nullptr) return {};
  const ElfSymbols symbols(*map);
  if (!symbols.searchable()) return {};
  const ElfW(Sym)* symbol = symbols.find(name, gnu_hash(name));
  if (symbol == nullptr) return {};
  return {map->l_addr + symbol->st_value, symbol->st_size};
}

}  // namespace socktrack
