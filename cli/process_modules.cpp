#include "cli/process_modules.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace socktrack {

namespace {

// An ELF file open for reading.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {
    elf_version(EV_CURRENT);
    if (fd_ >= 0) elf_ = elf_begin(fd_, ELF_C_READ_MMAP, nullptr);
  }
  ~ElfFile() {
    elf_end(elf_);
    if (fd_ >= 0) close(fd_);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;
  Elf* get() const { return elf_; }

 private:
  int fd_;
  Elf* elf_ = nullptr;
};

// How much the virtual address of the byte at file offset `offset` exceeds it.
std::uint64_t address_minus_offset(Elf* elf, std::uint64_t offset) {
  std::size_t count = 0;
  elf_getphdrnum(elf, &count);
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD) continue;
    // The loader maps whole pages: the mapping may begin before the segment does.
    const std::uint64_t begin = segment.p_offset & ~(std::uint64_t{kPage} - 1);
    if (offset >= begin && offset < segment.p_offset + segment.p_filesz && (segment.p_flags & PF_X) != 0) {
      return segment.p_vaddr - segment.p_offset;
    }
  }
  return 0;
}

bool is_inode(const std::string& path, std::uint64_t inode) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0 && facts.st_ino == inode;
}

std::string hex(std::uint64_t n) {
  std::ostringstream out;
  out << std::hex << n;
  return out.str();
}

void set_build_id(Module& module, Elf* elf) {
  const void* bits = nullptr;
  const ssize_t size = dwelf_elf_gnu_build_id(elf, &bits);
  if (size <= 0 || static_cast<std::size_t>(size) > sizeof module.build_id) return;
  module.build_id_size = static_cast<std::uint8_t>(size);
  std::memcpy(module.build_id, bits, static_cast<std::size_t>(size));
}

void set_path(Module& module, const std::string& path) {
  const std::size_t size = std::min(path.size(), sizeof module.path - 1);
  std::memcpy(module.path, path.data(), size);
  module.path[size] = '\0';
  module.path_cut = size < path.size() ? 1 : 0;
}

}  // namespace

ProcessModules::ProcessModules(int pid) : pid_(pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    Mapping mapping;
    std::string permissions, device;
    char dash = 0;
    words >> std::hex >> mapping.start >> dash >> mapping.end >> permissions >> mapping.offset >> device;
    words >> std::dec >> mapping.inode >> std::ws;
    std::getline(words, mapping.path);
    const bool from_file = mapping.inode != 0 || mapping.path == "[vdso]";
    if (permissions.size() > 2 && permissions[2] == 'x' && from_file) mappings_.push_back(mapping);
  }
}

// The same path may be another file here (a container), or a newer one (an upgrade).
std::string ProcessModules::openable_path(int pid, const Mapping& mapping) {
  std::string process = "/proc/" + std::to_string(pid);
  if (mapping.inode == 0 || is_inode(mapping.path, mapping.inode)) return mapping.path;
  if (!mapping.path.ends_with(" (deleted)")) return process.append("/root").append(mapping.path);
  process.append("/map_files/").append(hex(mapping.start)).append("-").append(hex(mapping.end));
  return is_inode(process, mapping.inode) ? process : mapping.path;
}

const Module* ProcessModules::at(std::uint64_t address) {
  for (Mapping& mapping : mappings_) {
    if (address < mapping.start || address >= mapping.end) continue;
    if (mapping.module == nullptr) mapping.module = load(mapping);
    return mapping.module;
  }
  return nullptr;
}

const Module* ProcessModules::load(const Mapping& mapping) {
  const std::string path = openable_path(pid_, mapping);
  Module& module = modules_.emplace_back();
  module.base = mapping.start;
  module.end = mapping.end;
  module.bias = mapping.start - mapping.offset;
  set_path(module, path);
  const ElfFile file(path);
  if (file.get() != nullptr) {
    module.bias -= address_minus_offset(file.get(), mapping.offset);
    set_build_id(module, file.get());
  }
  module.ready = 1;
  return &module;
}

}  // namespace socktrack
