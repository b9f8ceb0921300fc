// Names of real code: return addresses are taken inside samples built next to this test.
#include "cli/dwarf_names.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <gmock/gmock.h>
#include <libelf.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "recording_fixture.h"
#include "watch/fingerprint.h"
#include "watch/symbol_table_names.h"

namespace socktrack {
namespace {

using test::TemporaryDirectory;
using testing::EndsWith;
using testing::SizeIs;

struct ElfFile {
  explicit ElfFile(const std::string& path) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    elf_version(EV_CURRENT);
    elf = elf_begin(fd, ELF_C_READ, nullptr);
  }
  ~ElfFile() {
    elf_end(elf);
    ::close(fd);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;
  int fd;
  Elf* elf = nullptr;
};

// A module record as the recorder would have written it.
Module& module_of(test::RecordingFixture& fixture, const std::string& path) {
  Module& module = fixture.module(fixture.add_module(path, {}));
  const ElfFile file(path);
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(file.elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_NOTE) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    GElf_Nhdr note;
    std::size_t name = 0;
    std::size_t description = 0;
    for (std::size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &description)) > 0;) {
      if (note.n_type != NT_GNU_BUILD_ID || note.n_descsz > sizeof(module.build_id)) continue;
      std::memcpy(module.build_id, static_cast<char*>(data->d_buf) + description, note.n_descsz);
      module.build_id_size = static_cast<std::uint8_t>(note.n_descsz);
    }
  }
  return module;
}

std::uint64_t address_of(const std::string& path, const std::string& function) {
  const ElfFile file(path);
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(file.elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    GElf_Sym symbol;
    for (int i = 0; gelf_getsym(data, i, &symbol) != nullptr; ++i) {
      const char* name = elf_strptr(file.elf, header.sh_link, symbol.st_name);
      if (name != nullptr && function == name) return symbol.st_value;
    }
  }
  return 0;
}

[[gnu::noinline]] void take_return_address(void* user) {
  *static_cast<std::uint64_t*>(user) = reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
}

// The loaded library, and the offset of its call of take_return_address as a recording has it.
struct Sample {
  Sample() : library(dlopen(SOCKTRACK_SAMPLE, RTLD_NOW | RTLD_LOCAL)) {
    if (library == nullptr) throw std::runtime_error(dlerror());
    link_map* map = nullptr;
    dlinfo(library, RTLD_DI_LINKMAP, &map);
    const auto run = reinterpret_cast<void (*)(void (*)(void*), void*)>(dlsym(library, "sample_run"));
    std::uint64_t address = 0;
    run(take_return_address, &address);
    offset = address - 1 - map->l_addr;
  }
  ~Sample() { dlclose(library); }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;
  int line(const char* name) const { return *static_cast<const int*>(dlsym(library, name)); }

  void* library;
  std::uint64_t offset = 0;
};

constexpr const char* kInner = "sample::hand_over(void (*)(void*), void*)";
constexpr const char* kOuter = "sample::outer(void (*)(void*), void*)";

void expect_the_sample(const std::vector<Frame>& frames, const Sample& sample) {
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(frames[0].function, kInner);
  EXPECT_THAT(frames[0].file, EndsWith("/samples/inlined_sample.cpp"));
  EXPECT_EQ(frames[0].line, sample.line("sample_inner_line"));
  EXPECT_TRUE(frames[0].inlined);
  EXPECT_EQ(frames[1].function, kOuter);
  EXPECT_THAT(frames[1].file, EndsWith("/samples/inlined_sample.cpp"));
  EXPECT_EQ(frames[1].line, sample.line("sample_outer_line"));
  EXPECT_FALSE(frames[1].inlined);
  EXPECT_EQ(frames[1].offset, sample.offset);
  EXPECT_FALSE(frames[1].build_id.empty());
}

class DwarfNamesTest : public testing::Test {
 protected:
  void expect_bare(const Module& module, std::uint64_t offset) {
    const std::vector<Frame> frames = names_->frames_at(module, offset);
    ASSERT_THAT(frames, SizeIs(1));
    EXPECT_EQ(frames[0].function, "");
    EXPECT_EQ(frames[0].file, "");
    EXPECT_EQ(frames[0].module, module.path);
    EXPECT_EQ(frames[0].offset, offset);
  }

  Sample sample_;
  test::RecordingFixture fixture_;
  std::unique_ptr<Names> names_ = make_dwarf_names();
};

TEST_F(DwarfNamesTest, InlinedFunctionsAreFramesOfTheirOwn) {
  const Module& module = module_of(fixture_, SOCKTRACK_SAMPLE);
  ASSERT_GT(module.build_id_size, 0);
  expect_the_sample(names_->frames_at(module, sample_.offset), sample_);
  expect_the_sample(names_->frames_at(module, sample_.offset), sample_);  // from the cache
}

// Such functions have no linkage name in the debug information: their scope is found there all the same.
TEST_F(DwarfNamesTest, FunctionsOfAnonymousNamespacesKeepTheirScope) {
  const Module& module = module_of(fixture_, SOCKTRACK_SAMPLE);
  const std::string mangled = "_ZN6sample12_GLOBAL__N_16Hidden12of_this_fileEPFvPvES2_";
  const std::uint64_t address = address_of(SOCKTRACK_SAMPLE, mangled);
  ASSERT_NE(address, 0U);
  const std::vector<Frame> frames = names_->frames_at(module, address);
  ASSERT_FALSE(frames.empty());
  EXPECT_THAT(frames.back().function,
              testing::StartsWith("sample::(anonymous namespace)::Hidden::of_this_file"));
}

TEST_F(DwarfNamesTest, DebugInformationInAFileOfItsOwn) {
  const Module& module = module_of(fixture_, SOCKTRACK_STRIPPED_SAMPLE);
  ASSERT_EQ(address_of(SOCKTRACK_STRIPPED_SAMPLE, "sample_run"), 0U) << "not stripped";
  expect_the_sample(names_->frames_at(module, sample_.offset), sample_);
}

TEST_F(DwarfNamesTest, ProgramsAtFixedAddresses) {
  const Module& module = module_of(fixture_, SOCKTRACK_FIXED_SAMPLE);
  const std::uint64_t address = address_of(SOCKTRACK_FIXED_SAMPLE, "fixed_function");
  ASSERT_GE(address, 0x400000U);
  const std::vector<Frame> frames = names_->frames_at(module, address);
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].function, "fixed_function");
  EXPECT_THAT(frames[0].file, EndsWith("/samples/fixed_sample.c"));
  EXPECT_EQ(frames[0].line, 2);
}

// elfutils stretches a unit over code behind it that has no debug information.
TEST_F(DwarfNamesTest, CodeWithoutDebugInformationTakesNoLineOfItsNeighbour) {
  const Module& module = module_of(fixture_, SOCKTRACK_FIXED_SAMPLE);
  const std::vector<Frame> frames =
      names_->frames_at(module, address_of(SOCKTRACK_FIXED_SAMPLE, "_start") + 1);
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].function, "_start");
  EXPECT_EQ(frames[0].file, "");
  EXPECT_EQ(frames[0].line, 0);
}

TEST_F(DwarfNamesTest, SymbolsDoWithoutDebugInformation) {
  const TemporaryDirectory directory;
  const std::string alone = directory.file("alone.so");  // its debug file is not beside it
  std::filesystem::copy_file(SOCKTRACK_STRIPPED_SAMPLE, alone);
  const std::vector<Frame> frames = names_->frames_at(module_of(fixture_, alone), sample_.offset);
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].function, kOuter);
  EXPECT_EQ(frames[0].file, "");
}

TEST_F(DwarfNamesTest, AnotherBuildOfTheFileGivesNoNames) {
  Module& module = module_of(fixture_, SOCKTRACK_SAMPLE);
  module.build_id[3] ^= 1U;
  expect_bare(module, sample_.offset);
  module.build_id_size = 0;
  expect_bare(module, sample_.offset);
}

TEST_F(DwarfNamesTest, FilesThatAreGoneOrNoFilesAtAll) {
  const TemporaryDirectory directory;
  std::ofstream(directory.file("text")) << "no ELF file";
  ASSERT_EQ(mkfifo(directory.file("fifo").c_str(), 0600), 0);
  for (const std::string& path : {directory.file("gone"), directory.file("text"), directory.file("fifo"),
                                  directory.path(), std::string("linux-vdso.so.1"), std::string()}) {
    expect_bare(fixture_.module(fixture_.add_module(path, {})), 0x1000);
  }
}

TEST_F(DwarfNamesTest, OffsetsOutsideTheCode) {
  const Module& module = module_of(fixture_, SOCKTRACK_SAMPLE);
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{0xffffffffffff}}) {
    EXPECT_THAT(names_->frames_at(module, offset), SizeIs(1)) << offset;
  }
}

TEST_F(DwarfNamesTest, TheEnvironmentIsLeftAsItWas) {
  setenv("DEBUGINFOD_URLS", "http://127.0.0.1:1/", 1);
  names_->frames_at(module_of(fixture_, SOCKTRACK_STRIPPED_SAMPLE), sample_.offset);
  EXPECT_STREQ(getenv("DEBUGINFOD_URLS"), "http://127.0.0.1:1/");
  unsetenv("DEBUGINFOD_URLS");
}

// --- Names from symbol tables alone, as used inside programs -----------------------------------

class SymbolTableNamesTest : public testing::Test {
 protected:
  std::string function_at(const Module& module, std::uint64_t offset) {
    const std::vector<Frame> frames = names_.frames_at(module, offset);
    EXPECT_THAT(frames, SizeIs(1));
    return frames.at(0).function;
  }

  Sample sample_;
  test::RecordingFixture fixture_;
  SymbolTableNames names_;
};

TEST_F(SymbolTableNamesTest, FunctionsDemangled) {
  EXPECT_EQ(function_at(module_of(fixture_, SOCKTRACK_SAMPLE), sample_.offset), kOuter);
  EXPECT_EQ(function_at(module_of(fixture_, SOCKTRACK_STRIPPED_SAMPLE), sample_.offset), kOuter) << "dynsym";
  const std::uint64_t address = address_of(SOCKTRACK_FIXED_SAMPLE, "fixed_function");
  const Module& fixed = module_of(fixture_, SOCKTRACK_FIXED_SAMPLE);
  EXPECT_EQ(function_at(fixed, address), "fixed_function");
  EXPECT_EQ(function_at(fixed, 1), "");
}

TEST_F(SymbolTableNamesTest, FingerprintsLeaveTheEntryPointOut) {
  const std::uint64_t entry = address_of(SOCKTRACK_FIXED_SAMPLE, "_start") + 1;
  const std::uint64_t function = address_of(SOCKTRACK_FIXED_SAMPLE, "fixed_function");
  const auto fingerprint_of = [&](std::initializer_list<std::uint64_t> offsets) {
    test::RecordingFixture fixture;
    module_of(fixture, SOCKTRACK_FIXED_SAMPLE);
    std::uint64_t frames[2]{};
    std::transform(offsets.begin(), offsets.end(), frames,
                   [](std::uint64_t at) { return make_frame(0, at); });
    const std::uint32_t site =
        offsets.size() == 1 ? fixture.add_site({frames[0]}) : fixture.add_site({frames[0], frames[1]});
    const std::uint32_t group = fixture.add_group(Verdict::abandoned, site, 0, 1);
    return Fingerprints().of(RecordingView::of_memory(fixture.data(), fixture.size()), fixture.group(group));
  };
  EXPECT_EQ(fingerprint_of({function, entry}), fingerprint_of({function}));
  EXPECT_NE(fingerprint_of({function, entry}), fingerprint_of({entry}));
}

TEST_F(SymbolTableNamesTest, AnotherBuildOfTheFileGivesNoNames) {
  Module& module = module_of(fixture_, SOCKTRACK_SAMPLE);
  module.build_id[0] ^= 1U;
  EXPECT_EQ(function_at(module, sample_.offset), "");
}

// Each byte of the ELF header and of the section headers in turn is set to all ones: any answer will do.
TEST_F(SymbolTableNamesTest, DamagedFilesAreSurvived) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("damaged.so");
  std::filesystem::copy_file(SOCKTRACK_SAMPLE, path);
  const auto size = std::filesystem::file_size(path);
  Elf64_Ehdr elf;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.read(reinterpret_cast<char*>(&elf), sizeof(elf));
  std::vector<std::uint64_t> places;
  for (std::uint64_t at = 0; at < sizeof(elf); ++at) places.push_back(at);
  for (std::uint64_t at = elf.e_shoff; at < size; at += 3) places.push_back(at);
  const Module& module = module_of(fixture_, path);
  for (const std::uint64_t at : places) {
    char before = 0;
    file.seekg(static_cast<std::streamoff>(at));
    file.get(before);
    file.seekp(static_cast<std::streamoff>(at));
    file.put('\xff').flush();
    SymbolTableNames().frames_at(module, sample_.offset);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(before).flush();
  }
  EXPECT_EQ(function_at(module, sample_.offset), kOuter);
  for (std::uint64_t cut = size; cut > 100; cut -= std::min<std::uint64_t>(cut - 1, 500)) {
    std::filesystem::resize_file(path, cut);
    SymbolTableNames().frames_at(module, sample_.offset);
  }
}

}  // namespace
}  // namespace socktrack
