#include "cli/elf_facts.h"

#include <gelf.h>

#include <cstring>
#include <memory>
#include <string_view>

namespace socktrack {
namespace {

using ElfHandle = std::unique_ptr<Elf, decltype(&elf_end)>;

constexpr std::string_view kGoNote("Go\0\0", 4);

std::vector<GElf_Phdr> program_headers(Elf* elf) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return {};
  std::vector<GElf_Phdr> headers;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) != nullptr) headers.push_back(header);
  }
  return headers;
}

Elf_Data* chunk(Elf* elf, std::uint64_t offset, std::uint64_t size, Elf_Type type) {
  return elf_getdata_rawchunk(elf, static_cast<std::int64_t>(offset), size, type);
}

std::string text_at(Elf* elf, std::uint64_t offset, std::uint64_t most) {
  const Elf_Data* data = chunk(elf, offset, most, ELF_T_BYTE);
  if (data == nullptr || data->d_buf == nullptr) return "";
  const auto* text = static_cast<const char*>(data->d_buf);
  return {text, strnlen(text, data->d_size)};
}

bool has_go_note(Elf* elf, const GElf_Phdr& segment) {
  Elf_Data* data = chunk(elf, segment.p_offset, segment.p_filesz, ELF_T_NHDR);
  if (data == nullptr) return false;
  GElf_Nhdr note;
  std::size_t name_at = 0;
  std::size_t text_at = 0;
  for (std::size_t at = 0; (at = gelf_getnote(data, at, &note, &name_at, &text_at)) > 0;) {
    if (note.n_namesz != kGoNote.size()) continue;
    if (std::string_view(static_cast<const char*>(data->d_buf) + name_at, note.n_namesz) == kGoNote) {
      return true;
    }
  }
  return false;
}

// A Go program linked with -buildid= has no note, but its tables are still there.
bool has_go_tables(Elf* elf) {
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return false;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* name = elf_strptr(elf, names, header.sh_name);
    if (name != nullptr &&
        (std::strcmp(name, ".go.buildinfo") == 0 || std::strcmp(name, ".gopclntab") == 0)) {
      return true;
    }
  }
  return false;
}

// 0 if no loadable segment holds the address.
std::uint64_t offset_of(const std::vector<GElf_Phdr>& segments, std::uint64_t address) {
  for (const GElf_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
        address - segment.p_vaddr < segment.p_filesz) {
      return segment.p_offset + (address - segment.p_vaddr);
    }
  }
  return 0;
}

void read_dynamic(Elf* elf, const std::vector<GElf_Phdr>& segments, const GElf_Phdr& dynamic,
                  ElfFacts& facts) {
  Elf_Data* data = chunk(elf, dynamic.p_offset, dynamic.p_filesz, ELF_T_DYN);
  const std::size_t size = gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT);
  if (data == nullptr || size == 0) return;
  std::vector<GElf_Dyn> entries;
  for (std::size_t i = 0; i < data->d_size / size; ++i) {
    GElf_Dyn entry;
    if (gelf_getdyn(data, static_cast<int>(i), &entry) == nullptr || entry.d_tag == DT_NULL) break;
    entries.push_back(entry);
  }
  std::uint64_t strings = 0;
  std::uint64_t strings_size = 0;
  for (const GElf_Dyn& entry : entries) {
    if (entry.d_tag == DT_STRTAB) strings = offset_of(segments, entry.d_un.d_ptr);
    if (entry.d_tag == DT_STRSZ) strings_size = entry.d_un.d_val;
  }
  if (strings == 0) return;
  for (const GElf_Dyn& entry : entries) {
    if (entry.d_un.d_val >= strings_size) continue;
    const std::uint64_t left = strings_size - entry.d_un.d_val;
    if (entry.d_tag == DT_NEEDED) facts.needed.push_back(text_at(elf, strings + entry.d_un.d_val, left));
    if (entry.d_tag == DT_SONAME) facts.soname = text_at(elf, strings + entry.d_un.d_val, left);
  }
}

}  // namespace

std::optional<ElfFacts> read_elf_facts(int descriptor) {
  if (elf_version(EV_CURRENT) == EV_NONE) return std::nullopt;
  // ELF_C_READ, not mmap: a file that is cut short while we look would be a SIGBUS.
  const ElfHandle elf(elf_begin(descriptor, ELF_C_READ, nullptr), elf_end);
  GElf_Ehdr header;
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return std::nullopt;
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) return std::nullopt;
  const std::vector<GElf_Phdr> segments = program_headers(elf.get());
  if (segments.empty()) return std::nullopt;

  ElfFacts facts;
  facts.elf_class = gelf_getclass(elf.get());
  facts.machine = header.e_machine;
  for (const GElf_Phdr& segment : segments) {
    if (segment.p_type == PT_INTERP) facts.loader = text_at(elf.get(), segment.p_offset, segment.p_filesz);
    if (segment.p_type == PT_NOTE) facts.go = facts.go || has_go_note(elf.get(), segment);
    if (segment.p_type == PT_DYNAMIC) read_dynamic(elf.get(), segments, segment, facts);
  }
  facts.go = facts.go || has_go_tables(elf.get());
  return facts;
}

std::string sanitizer_runtime(const ElfFacts& facts) {
  for (const std::string& library : facts.needed) {
    for (const char* runtime : {"libasan.", "libtsan.", "liblsan.", "libhwasan.", "libclang_rt."}) {
      if (library.starts_with(runtime)) return library;
    }
  }
  return "";
}

}  // namespace socktrack
