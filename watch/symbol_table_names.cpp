#include "watch/symbol_table_names.h"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace socktrack {
namespace {

constexpr std::uint64_t kMaxSections = 65536;
constexpr std::uint64_t kMaxNotes = 65536;  // bytes; notes are tens of bytes
constexpr std::size_t kMaxName = 4096;

// The file of a module: bounded reads at offsets that the file itself claims.
class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat facts {};
    if (fd_ >= 0 && ::fstat(fd_, &facts) == 0 && S_ISREG(facts.st_mode)) {
      size_ = static_cast<std::uint64_t>(facts.st_size);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }

  // As many whole T as the file has of the `count` at `offset`.
  template <typename T>
  std::vector<T> read(std::uint64_t offset, std::uint64_t count) const {
    std::vector<T> out;
    if (offset >= size_) return out;
    out.resize(static_cast<std::size_t>(std::min(count, (size_ - offset) / sizeof(T))));
    out.resize(read_bytes(out.data(), out.size() * sizeof(T), offset) / sizeof(T));
    return out;
  }

 private:
  std::size_t read_bytes(void* to, std::size_t size, std::uint64_t offset) const {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got =
          ::pread(fd_, static_cast<char*>(to) + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  int fd_;
  std::uint64_t size_ = 0;
};

std::vector<Elf64_Shdr> sections_of(const File& file) {
  const std::vector<Elf64_Ehdr> headers = file.read<Elf64_Ehdr>(0, 1);
  if (headers.empty()) return {};
  const Elf64_Ehdr& elf = headers.front();
  if (std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64) return {};
  if (elf.e_shoff == 0 || elf.e_shentsize != sizeof(Elf64_Shdr)) return {};
  std::uint64_t count = elf.e_shnum;
  if (count == 0) {  // more than fit into e_shnum: the first section tells
    const std::vector<Elf64_Shdr> first = file.read<Elf64_Shdr>(elf.e_shoff, 1);
    if (first.empty()) return {};
    count = first.front().sh_size;
  }
  return file.read<Elf64_Shdr>(elf.e_shoff, std::min(count, kMaxSections));
}

std::string hex(const std::uint8_t* bytes, std::size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4U];
    text += digits[bytes[i] & 0xfU];
  }
  return text;
}

std::string build_id_in(const std::vector<std::uint8_t>& notes) {
  std::uint64_t at = 0;
  const auto padded = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
  while (at + sizeof(Elf64_Nhdr) <= notes.size()) {
    Elf64_Nhdr note;
    std::memcpy(&note, notes.data() + at, sizeof(note));
    const std::uint64_t name = at + sizeof(note);
    const std::uint64_t description = name + padded(note.n_namesz);
    if (description + note.n_descsz > notes.size()) break;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(notes.data() + name, "GNU", 4) == 0) {
      return hex(notes.data() + description, note.n_descsz);
    }
    at = description + padded(note.n_descsz);
  }
  return "";
}

std::string build_id_of(const File& file, const std::vector<Elf64_Shdr>& sections) {
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_NOTE) continue;
    std::string id = build_id_in(
        file.read<std::uint8_t>(section.sh_offset, std::min<std::uint64_t>(section.sh_size, kMaxNotes)));
    if (!id.empty()) return id;
  }
  return "";
}

std::string demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text != nullptr ? text.get() : name;
}

bool covers(const Elf64_Sym& symbol, std::uint64_t offset) {
  const auto type = ELF64_ST_TYPE(symbol.st_info);
  if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF) return false;
  if (symbol.st_value > offset) return false;
  return symbol.st_size == 0 || offset - symbol.st_value < symbol.st_size;
}

// The nearest function at or below `offset`; "" if there is none. Read in pieces: symbol tables of
// browsers and JVMs have hundreds of megabytes.
std::string function_in(const File& file, const std::vector<Elf64_Shdr>& sections, const Elf64_Shdr& table,
                        std::uint64_t offset) {
  constexpr std::uint64_t piece = 4096;
  if (table.sh_link >= sections.size() || table.sh_entsize != sizeof(Elf64_Sym)) return "";
  const std::uint64_t count = table.sh_size / sizeof(Elf64_Sym);
  Elf64_Sym best{};
  for (std::uint64_t at = 0; at < count; at += piece) {
    const auto symbols =
        file.read<Elf64_Sym>(table.sh_offset + at * sizeof(Elf64_Sym), std::min(piece, count - at));
    if (symbols.empty()) break;
    for (const Elf64_Sym& symbol : symbols) {
      if (covers(symbol, offset) && (best.st_name == 0 || symbol.st_value > best.st_value)) best = symbol;
    }
  }
  const Elf64_Shdr& strings = sections[table.sh_link];
  if (best.st_name == 0 || best.st_name >= strings.sh_size) return "";
  const std::vector<char> name = file.read<char>(strings.sh_offset + best.st_name, kMaxName);
  if (name.empty()) return "";
  const std::size_t size = ::strnlen(name.data(), name.size());
  return size < name.size() ? demangled(std::string(name.data(), size)) : "";
}

std::string function_at(const Frame& frame) {
  const File file(frame.module);
  const std::vector<Elf64_Shdr> sections = sections_of(file);
  if (sections.empty() || build_id_of(file, sections) != frame.build_id) return "";
  for (const Elf64_Word type : {Elf64_Word{SHT_SYMTAB}, Elf64_Word{SHT_DYNSYM}}) {
    for (const Elf64_Shdr& section : sections) {
      if (section.sh_type != type) continue;
      std::string name = function_in(file, sections, section, frame.offset);
      if (!name.empty()) return name;
    }
  }
  return "";
}

}  // namespace

std::vector<Frame> SymbolTableNames::frames_at(const Module& module, std::uint64_t offset) {
  Frame frame = bare_frame(module, offset);
  const auto [entry, fresh] = functions_.try_emplace({frame.module + frame.build_id, offset});
  if (fresh) entry->second = function_at(frame);
  frame.function = entry->second;
  return {std::move(frame)};
}

}  // namespace socktrack
