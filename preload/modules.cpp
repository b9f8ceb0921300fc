#include "preload/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstring>

#include "preload/java_vm.h"
#include "preload/managed.h"
#include "preload/php_frames.h"
#include "preload/python_frames.h"
#include "preload/recorder.h"
#include "preload/teardown.h"
#include "preload/unloaded_code.h"

namespace socktrack::modules {
namespace {

constexpr std::uint64_t kGone = 1;  // in Module::base: it was unloaded

struct BuildId {
  const std::uint8_t* bytes = nullptr;
  std::uint8_t size = 0;
};

std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

BuildId build_id_in_notes(const char* notes, std::size_t size) {
  while (size >= sizeof(ElfW(Nhdr))) {
    const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(notes);
    const std::size_t name = sizeof *note;
    const std::size_t description = name + padded(note->n_namesz);
    const std::size_t end = description + padded(note->n_descsz);
    if (end > size || end < description) break;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && std::memcmp(notes + name, "GNU", 4) == 0 &&
        note->n_descsz <= sizeof Module{}.build_id) {
      return {reinterpret_cast<const std::uint8_t*>(notes + description),
              static_cast<std::uint8_t>(note->n_descsz)};
    }
    notes += end;
    size -= end;
  }
  return {};
}

bool is_the_program(const dl_find_object& object) {
  const char* name = object.dlfo_link_map->l_name;
  return name == nullptr || name[0] == '\0';
}

struct ProgramHeaders {
  const ElfW(Phdr) * first = nullptr;
  std::size_t count = 0;
};

// Where the loader mapped them: at the start of the first segment. A program whose segments have gaps between
// them (node's) is told of by the segment, but the kernel has said where its headers are.
ProgramHeaders program_headers_of(const dl_find_object& object) {
  const auto* elf = static_cast<const ElfW(Ehdr)*>(object.dlfo_map_start);
  const auto mapped = static_cast<std::size_t>(static_cast<const char*>(object.dlfo_map_end) -
                                               static_cast<const char*>(object.dlfo_map_start));
  if (mapped >= kPage && std::memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0) {
    if (elf->e_phoff + std::size_t{elf->e_phnum} * sizeof(ElfW(Phdr)) > kPage) return {};
    const char* first = reinterpret_cast<const char*>(elf) + elf->e_phoff;
    return {reinterpret_cast<const ElfW(Phdr)*>(first), elf->e_phnum};
  }
  if (!is_the_program(object)) return {};
  const ProgramHeaders told{reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR)), getauxval(AT_PHNUM)};
  for (std::size_t i = 0; i < told.count; i++) {
    const bool is_itself = told.first[i].p_type == PT_PHDR &&
                           object.dlfo_link_map->l_addr + told.first[i].p_vaddr == getauxval(AT_PHDR);
    if (is_itself) return told;
  }
  return {};  // those of another program: the loader, if it was called by its name
}

BuildId build_id_of(const dl_find_object& object) {
  const ProgramHeaders headers = program_headers_of(object);
  for (std::size_t i = 0; i < headers.count; i++) {
    const ElfW(Phdr)& header = headers.first[i];
    if (header.p_type != PT_NOTE) continue;
    const BuildId id = build_id_in_notes(
        reinterpret_cast<const char*>(object.dlfo_link_map->l_addr + header.p_vaddr), header.p_filesz);
    if (id.bytes != nullptr) return id;
  }
  return {};
}

void set_path(Module& module, const dl_find_object& object) {
  const char* name = object.dlfo_link_map->l_name;
  if (is_the_program(object)) {  // it has no name in the loader's list
    const ssize_t size = readlink("/proc/thread-self/exe", module.path, sizeof module.path - 1);
    if (size > 0) module.path[size] = '\0';
    return;
  }
  const std::size_t size = std::strlen(name);
  module.path_cut = size >= sizeof module.path ? 1 : 0;
  const std::size_t kept = module.path_cut != 0 ? sizeof module.path - 1 : size;
  std::memcpy(module.path, name, kept);
  module.path[kept] = '\0';
}

Module* module_in(Header* recording, std::uint32_t index) {
  return reinterpret_cast<Module*>(reinterpret_cast<char*>(recording) + recording->modules_at) + index;
}

bool same_file(const Module& a, const Module& b) {
  return a.end == b.end && a.build_id_size == b.build_id_size &&
         std::memcmp(a.build_id, b.build_id, sizeof a.build_id) == 0 && std::strcmp(a.path, b.path) == 0;
}

// Of two modules that are gone their place says nothing: `like` tells them apart.
bool is_it(const Module& module, std::uint64_t base, std::uint64_t end, const Module* like) {
  if (module.ready.load(std::memory_order_acquire) == 0) return base != kGone;
  return base != kGone ? module.end == end : like != nullptr && same_file(module, *like);
}

// The entry of the mapping that starts at `base`: an existing one, or a free one that is now ours.
std::uint32_t claim(Header* recording, std::uint64_t base, std::uint64_t end, const Module* like,
                    bool& fresh) {
  fresh = false;
  for (std::uint32_t i = 0; i < kMaxModules; i++) {
    Module* module = recorder::module_at(recording, i);
    if (module == nullptr) break;
    std::uint64_t found = module->base.load(std::memory_order_acquire);
    if (found == 0 && module->base.compare_exchange_strong(found, base, std::memory_order_acq_rel)) {
      fresh = true;
      return i;
    }
    if (found == base && is_it(*module, base, end, like)) return i;
  }
  recorder::count(BlindSpot::modules_full);
  return kNoModule;
}

void fill(Module& module, const dl_find_object& object) {
  module.end = reinterpret_cast<std::uint64_t>(object.dlfo_map_end);
  module.bias = object.dlfo_link_map->l_addr;
  const BuildId id = build_id_of(object);
  if (id.bytes != nullptr) std::memcpy(module.build_id, id.bytes, id.size);
  module.build_id_size = id.size;
  set_path(module, object);
  module.ready.store(1, std::memory_order_release);
  python::consider(object);
  php::consider(object);
  teardown::consider(object);
  java::consider(object);
  managed::note_runtimes();
}

}  // namespace

std::uint64_t frame_at(Header* recording, std::uintptr_t address) {
  dl_find_object object{};
  if (_dl_find_object(reinterpret_cast<void*>(address), &object) != 0) return make_frame(kNoModule, address);
  bool fresh = false;
  const std::uint32_t index = claim(recording, reinterpret_cast<std::uint64_t>(object.dlfo_map_start),
                                    reinterpret_cast<std::uint64_t>(object.dlfo_map_end), nullptr, fresh);
  if (index == kNoModule) return make_frame(kNoModule, address);
  if (fresh) fill(*module_in(recording, index), object);
  return make_frame(index, address - object.dlfo_link_map->l_addr);
}

void note_unloaded(Header* recording) {
  for (std::uint32_t i = 0; i < kMaxModules; i++) {
    Module* module = module_in(recording, i);
    if (!recorder::touch(module, sizeof *module)) return;
    std::uint64_t base = module->base.load(std::memory_order_acquire);
    if (base == 0) return;
    if (module->ready.load(std::memory_order_acquire) == 0 || base == kGone) continue;
    dl_find_object object{};
    const bool there = _dl_find_object(reinterpret_cast<void*>(base), &object) == 0 &&
                       reinterpret_cast<std::uint64_t>(object.dlfo_map_end) == module->end;
    if (there || !module->base.compare_exchange_strong(base, kGone, std::memory_order_acq_rel)) continue;
    note_unloaded_code(base, module->end);
  }
}

std::uint32_t copy(Header* from, std::uint32_t index, Header* to) {
  if (index >= kMaxModules) return kNoModule;
  const Module& source = *module_in(from, index);
  if (source.ready.load(std::memory_order_acquire) == 0) return kNoModule;
  bool fresh = false;
  const std::uint32_t copied =
      claim(to, source.base.load(std::memory_order_relaxed), source.end, &source, fresh);
  if (!fresh) return copied;
  Module& target = *module_in(to, copied);
  target.end = source.end;
  target.bias = source.bias;
  target.build_id_size = source.build_id_size;
  std::memcpy(target.build_id, source.build_id, sizeof target.build_id);
  target.path_cut = source.path_cut;
  std::memcpy(target.path, source.path, sizeof target.path);
  target.ready.store(1, std::memory_order_release);
  return copied;
}

}  // namespace socktrack::modules
