// hide_symbols LIBRARY VERSION: makes the symbols that LIBRARY defines under VERSION hidden, and takes the
// version from them. No linker does: a hidden symbol is left out. A step of the build, after the link; see
// not_for_musl.cpp.
#include <elf.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace {

template <typename T>
T* at(std::string& image, std::size_t offset, std::size_t index = 0) {
  if (offset + (index + 1) * sizeof(T) > image.size()) {
    std::fputs("hide_symbols: not a whole ELF file\n", stderr);
    std::exit(EXIT_FAILURE);
  }
  return reinterpret_cast<T*>(image.data() + offset) + index;
}

const Elf64_Shdr* section(std::string& image, unsigned type) {
  const auto* header = at<Elf64_Ehdr>(image, 0);
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const auto* each = at<Elf64_Shdr>(image, header->e_shoff, i);
    if (each->sh_type == type) return each;
  }
  std::fprintf(stderr, "hide_symbols: no section of type %#x\n", type);
  std::exit(EXIT_FAILURE);
}

const char* linked_text(std::string& image, const Elf64_Shdr* from, std::size_t offset) {
  const auto* strings = at<Elf64_Shdr>(image, at<Elf64_Ehdr>(image, 0)->e_shoff, from->sh_link);
  return at<char>(image, strings->sh_offset + offset);
}

// The number that stands for `version` in the table of versions.
unsigned index_of(std::string& image, const std::string& version) {
  const Elf64_Shdr* definitions = section(image, SHT_GNU_verdef);
  std::size_t offset = definitions->sh_offset;
  for (unsigned i = 0; i < definitions->sh_info; i++) {
    const auto* definition = at<Elf64_Verdef>(image, offset);
    const auto* name = at<Elf64_Verdaux>(image, offset + definition->vd_aux);
    if (version == linked_text(image, definitions, name->vda_name)) return definition->vd_ndx;
    offset += definition->vd_next;
  }
  std::fprintf(stderr, "hide_symbols: no version %s\n", version.c_str());
  std::exit(EXIT_FAILURE);
}

void hide(std::string& image, const std::string& version) {
  const unsigned index = index_of(image, version);
  const Elf64_Shdr* symbols = section(image, SHT_DYNSYM);
  const Elf64_Shdr* versions = section(image, SHT_GNU_versym);
  for (std::size_t i = 1; i < symbols->sh_size / sizeof(Elf64_Sym); i++) {
    auto* symbol = at<Elf64_Sym>(image, symbols->sh_offset, i);
    auto* its_version = at<Elf64_Half>(image, versions->sh_offset, i);
    constexpr unsigned kNotDefault = 0x8000;
    if (*its_version != (index | kNotDefault) || symbol->st_shndx == SHN_UNDEF) continue;
    symbol->st_other = STV_HIDDEN;
    *its_version = VER_NDX_GLOBAL;  // musl passes over one that is not the default
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  std::fstream file(argv[1], std::ios::in | std::ios::out | std::ios::binary);
  std::string image{std::istreambuf_iterator<char>(file), {}};
  hide(image, argv[2]);
  file.clear();
  file.seekp(0);
  file.write(image.data(), static_cast<std::streamsize>(image.size())).flush();
  return file ? EXIT_SUCCESS : EXIT_FAILURE;
}
