// What an ELF file says about how it will be started. Read through libelf from program headers alone:
// section headers may be stripped. Nothing of the file is trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace socktrack {

struct ElfFacts {
  int elf_class = 0;                // ELFCLASS32, ELFCLASS64
  std::uint16_t machine = 0;        // EM_*
  std::string loader;               // PT_INTERP; "" = static, or the loader itself
  std::string soname;               // DT_SONAME; "" = none
  std::vector<std::string> needed;  // DT_NEEDED in order
  bool go = false;                  // built by the Go tool chain: has its note or its tables
};

// Empty if `descriptor` is not an executable or shared ELF file, or a damaged one. The caller keeps the
// descriptor.
std::optional<ElfFacts> read_elf_facts(int descriptor);

// The sanitizer runtime among the needed libraries: it must come first of all that is preloaded. "" = none.
std::string sanitizer_runtime(const ElfFacts& facts);

}  // namespace socktrack
