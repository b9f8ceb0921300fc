#include "cli/dwarf_names.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace socktrack {
namespace {

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

std::string demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text != nullptr ? text.get() : name;
}

// elfutils asks the servers of DEBUGINFOD_URLS for debug files it does not find. A report must not
// wait for a network, so they are hidden while it searches; programs we start still get them.
class NoServers {
 public:
  NoServers() {
    if (const char* urls = std::getenv(kName)) urls_ = urls;
    ::unsetenv(kName);
  }
  ~NoServers() {
    if (urls_) ::setenv(kName, urls_->c_str(), 1);
  }
  NoServers(const NoServers&) = delete;
  NoServers& operator=(const NoServers&) = delete;

 private:
  static constexpr const char* kName = "DEBUGINFOD_URLS";
  std::optional<std::string> urls_;
};

int find_local_debuginfo(Dwfl_Module* module, void** user, const char* name, Dwarf_Addr base,
                         const char* file, const char* link, GElf_Word crc, char** found) {
  const NoServers quiet;
  return dwfl_standard_find_debuginfo(module, user, name, base, file, link, crc, found);
}

Dwfl_Callbacks callbacks_for(bool debuginfod, char** debug_path) {
  Dwfl_Callbacks callbacks{};
  callbacks.find_elf = dwfl_build_id_find_elf;
  callbacks.find_debuginfo = debuginfod ? dwfl_standard_find_debuginfo : find_local_debuginfo;
  callbacks.debuginfo_path = debug_path;
  callbacks.section_address = dwfl_offline_section_address;
  return callbacks;
}

// O_NONBLOCK: a path that has become a FIFO must not hang the report.
int open_regular(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat facts {};
  if (fd < 0 || (::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode))) return fd;
  ::close(fd);
  return -1;
}

std::string build_id_of(Dwfl_Module* module) {
  static constexpr char digits[] = "0123456789abcdef";
  const unsigned char* bytes = nullptr;
  GElf_Addr address = 0;
  const int size = dwfl_module_build_id(module, &bytes, &address);
  std::string hex;
  for (int i = 0; i < size; ++i) {
    hex += digits[bytes[i] >> 4U];
    hex += digits[bytes[i] & 0xfU];
  }
  return hex;
}

// A place in the source, as far as it is known.
struct Line {
  std::string file;
  int number = 0;
};

std::string absolute(Dwarf_Die* unit, const char* file) {
  if (file == nullptr || file[0] == '/') return text_of(file);
  Dwarf_Attribute attribute;
  const std::string directory = text_of(dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute)));
  return directory.empty() ? file : directory + "/" + file;
}

Line line_at(Dwarf_Die* unit, Dwarf_Addr address) {
  Line line;
  Dwarf_Line* found = dwarf_getsrc_die(unit, address);
  if (found == nullptr) return line;
  line.file = absolute(unit, dwarf_linesrc(found, nullptr, nullptr));
  if (dwarf_lineno(found, &line.number) != 0) line.number = 0;
  return line;
}

std::optional<Dwarf_Word> number_of(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(die, name, &attribute), &value) != 0) return std::nullopt;
  return value;
}

// Where the function that `inlined` stands for was called.
Line call_of(Dwarf_Die* unit, Dwarf_Die* inlined) {
  Line line;
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  const auto file = number_of(inlined, DW_AT_call_file);
  if (file && dwarf_getsrcfiles(unit, &files, &count) == 0 && *file < count) {
    line.file = absolute(unit, dwarf_filesrc(files, *file, nullptr, nullptr));
  }
  line.number = static_cast<int>(number_of(inlined, DW_AT_call_line).value_or(0));
  return line;
}

// Where the function was written: what is inlined or only defined here refers to it.
Dwarf_Die origin_of(Dwarf_Die die) {
  constexpr int longest = 16;  // a damaged file may refer in circles
  for (int i = 0; i < longest; ++i) {
    Dwarf_Attribute attribute;
    Dwarf_Die referred;
    Dwarf_Attribute* found = dwarf_attr(&die, DW_AT_abstract_origin, &attribute);
    if (found == nullptr) found = dwarf_attr(&die, DW_AT_specification, &attribute);
    if (found == nullptr || dwarf_formref_die(found, &referred) == nullptr) break;
    die = referred;
  }
  return die;
}

bool may_hold_functions(int tag) {
  return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
         tag == DW_TAG_union_type || tag == DW_TAG_module;
}

// "a::(anonymous namespace)::" for a function of the file's own: compilers give it no linkage name.
std::string scope_of(Dwarf_Die* die) {
  Dwarf_Die origin = origin_of(*die);
  Dwarf_Die* found = nullptr;
  const int count = dwarf_getscopes_die(&origin, &found);
  const std::unique_ptr<Dwarf_Die, void (*)(void*)> scopes(found, &std::free);
  std::string scope;
  for (int i = 1; i < count; ++i) {
    const int tag = dwarf_tag(&found[i]);
    const bool is_namespace = tag == DW_TAG_namespace;
    if (!may_hold_functions(tag)) continue;
    const std::string name = text_of(dwarf_diename(&found[i]));
    if (name.empty() && !is_namespace) continue;
    scope.insert(0, (name.empty() ? "(anonymous namespace)" : name) + "::");
  }
  return scope;
}

std::string function_of(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    const char* text = dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
    if (text != nullptr) return demangled(text);
  }
  const std::string name = text_of(dwarf_diename(die));
  return name.empty() ? name : scope_of(die) + name;
}

// The scopes around an address as they lie in the machine code, innermost first. Not by dwarf_getscopes: it
// leaves them at the first inlined function for the place where that one was written, and finds none if that
// is another unit (link-time optimisation).
bool add_scopes(Dwarf_Die* around, Dwarf_Addr address, std::vector<Dwarf_Die>& scopes) {
  Dwarf_Die child;
  if (dwarf_child(around, &child) != 0) return false;
  do {
    const bool holds = dwarf_haspc(&child, address) > 0;
    if (!holds && !may_hold_functions(dwarf_tag(&child))) continue;
    const bool found = add_scopes(&child, address, scopes);
    if (holds) scopes.push_back(child);
    if (holds || found) return true;
  } while (dwarf_siblingof(&child, &child) == 0);
  return false;
}

std::vector<Dwarf_Die> physical_scopes(Dwarf_Die* unit, Dwarf_Addr address) {
  std::vector<Dwarf_Die> scopes;
  add_scopes(unit, address, scopes);
  return scopes;
}

class ModuleNames {
 public:
  // `debug_path` must outlive this.
  ModuleNames(const Frame& bare, const DebugPlaces& places, char** debug_path)
      : callbacks_(callbacks_for(places.debuginfod, debug_path)), session_(nullptr, &dwfl_end) {
    const std::string path = places.sysroot + bare.module;
    const int fd = open_regular(path);
    if (fd < 0) return;
    session_.reset(dwfl_begin(&callbacks_));
    Dwfl_Module* module = session_ == nullptr
                              ? nullptr
                              : dwfl_report_elf(session_.get(), path.c_str(), path.c_str(), fd, 0, true);
    if (module == nullptr) {
      ::close(fd);
      return;
    }
    dwfl_report_end(session_.get(), nullptr, nullptr);
    // Another file has taken the place of the one that was loaded: no name is better than a wrong one.
    if (build_id_of(module) == bare.build_id) module_ = module;
  }

  std::vector<Frame> frames_at(const Frame& bare) {
    if (module_ == nullptr) return {bare};
    std::vector<Frame> frames = frames_of_code(bare);
    if (frames.back().function.empty()) frames.back().function = symbol_at(bare.offset);
    return frames;
  }

 private:
  // From the inside out: each inlined function takes the line so far, and hands on that of its call.
  std::vector<Frame> frames_of_code(const Frame& bare) {
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = unit_at(bare.offset, bias);
    if (unit == nullptr) return {bare};
    std::vector<Frame> frames;
    Line line = line_at(unit, bare.offset - bias);
    for (Dwarf_Die& die : physical_scopes(unit, bare.offset - bias)) {
      const int tag = dwarf_tag(&die);
      if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
      frames.push_back(named(bare, function_of(&die), line));
      if (tag == DW_TAG_subprogram) return frames;
      frames.back().inlined = true;
      line = call_of(unit, &die);
    }
    frames.push_back(named(bare, "", line));
    return frames;
  }

  static Frame named(const Frame& bare, std::string function, const Line& line) {
    Frame frame = bare;
    frame.function = std::move(function);
    frame.file = line.file;
    frame.line = line.number;
    return frame;
  }

  // Asked again with dwarf_haspc: elfutils stretches a unit over the code behind it. Where there is no
  // .debug_aranges (clang) every unit is asked.
  Dwarf_Die* unit_at(Dwarf_Addr address, Dwarf_Addr& bias) {
    Dwarf_Die* nearest = dwfl_module_addrdie(module_, address, &bias);
    if (nearest != nullptr && dwarf_haspc(nearest, address - bias) > 0) return nearest;
    Dwarf_Die* unit = nullptr;
    while ((unit = dwfl_module_nextcu(module_, unit, &bias)) != nullptr) {
      if (dwarf_haspc(unit, address - bias) > 0) return unit;
    }
    return nullptr;
  }

  std::string symbol_at(Dwarf_Addr address) {
    GElf_Off distance = 0;
    GElf_Sym symbol;
    const char* name = dwfl_module_addrinfo(module_, address, &distance, &symbol, nullptr, nullptr, nullptr);
    if (name == nullptr || (symbol.st_size != 0 && distance >= symbol.st_size)) return "";
    return demangled(name);
  }

  Dwfl_Callbacks callbacks_;  // the session keeps a pointer to it
  std::unique_ptr<Dwfl, void (*)(Dwfl*)> session_;
  Dwfl_Module* module_ = nullptr;  // nullptr = nothing is known about it
};

class DwarfNames final : public Names {
 public:
  explicit DwarfNames(DebugPlaces places)
      : places_(std::move(places)),
        debug_path_(places_.debug_path.empty() ? nullptr : places_.debug_path.data()) {}

  std::vector<Frame> frames_at(const Module& module, std::uint64_t offset) override {
    const Frame bare = bare_frame(module, offset);
    const std::string identity = bare.module + '\0' + bare.build_id;
    const auto [known, fresh] = frames_.try_emplace({identity, offset});
    if (fresh) known->second = module_names(identity, bare).frames_at(bare);
    return known->second;
  }

 private:
  ModuleNames& module_names(const std::string& identity, const Frame& bare) {
    auto& names = modules_[identity];
    if (names == nullptr) names = std::make_unique<ModuleNames>(bare, places_, &debug_path_);
    return *names;
  }

  DebugPlaces places_;
  char* debug_path_;
  std::map<std::string, std::unique_ptr<ModuleNames>> modules_;
  std::map<std::pair<std::string, std::uint64_t>, std::vector<Frame>> frames_;
};

}  // namespace

std::unique_ptr<Names> make_dwarf_names(const DebugPlaces& places) {
  return std::make_unique<DwarfNames>(places);
}

}  // namespace socktrack
