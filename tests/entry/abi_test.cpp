// The library's face to the world: exports, dependencies, and the table's agreement with this libc.
#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <gtest/gtest.h>
#include <libelf.h>
#include <unistd.h>

#include <set>
#include <string>

namespace {

// Without the functions of socktrack.h: they stand in the table, and in no libc.
const std::set<std::string> kTable = {
#define ENTRY(ret, name, parameters, arguments, kind, raw) #name,
#define ALIAS(name, of, kind) #name,
#define VIA(name, of, kind) #name,
#include "preload/entrypoints.def"
};

const std::set<std::string> kApi = {
#define ENTRY(ret, name, parameters, arguments, kind, raw)
#define API(ret, name, parameters) #name,
#include "preload/entrypoints.def"
};

class Library : public testing::Test {
 protected:
  void SetUp() override {
    elf_version(EV_CURRENT);
    fd_ = open(SOCKTRACK_LIBRARY, O_RDONLY | O_CLOEXEC);
    ASSERT_GE(fd_, 0);
    elf_ = elf_begin(fd_, ELF_C_READ, nullptr);
    ASSERT_NE(elf_, nullptr);
  }
  void TearDown() override {
    elf_end(elf_);
    close(fd_);
  }

  template <typename Visit>
  void for_each_section(unsigned type, Visit visit) {
    for (Elf_Scn* section = elf_nextscn(elf_, nullptr); section != nullptr;
         section = elf_nextscn(elf_, section)) {
      GElf_Shdr header{};
      gelf_getshdr(section, &header);
      if (header.sh_type == type) visit(elf_getdata(section, nullptr), header);
    }
  }

  std::set<std::string> exports() {
    std::set<std::string> names;
    for_each_section(SHT_DYNSYM, [&](Elf_Data* data, const GElf_Shdr& header) {
      GElf_Sym symbol{};
      for (int i = 1; gelf_getsym(data, i, &symbol) != nullptr; i++) {
        if (symbol.st_shndx == SHN_UNDEF || GELF_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
        names.insert(elf_strptr(elf_, header.sh_link, symbol.st_name));
      }
    });
    return names;
  }

  std::set<std::string> needed() {
    std::set<std::string> names;
    for_each_section(SHT_DYNAMIC, [&](Elf_Data* data, const GElf_Shdr& header) {
      GElf_Dyn entry{};
      for (int i = 0; gelf_getdyn(data, i, &entry) != nullptr; i++) {
        if (entry.d_tag == DT_NEEDED) names.insert(elf_strptr(elf_, header.sh_link, entry.d_un.d_val));
      }
    });
    return names;
  }

  std::size_t tls_size() {
    std::size_t headers = 0;
    elf_getphdrnum(elf_, &headers);
    for (std::size_t i = 0; i < headers; i++) {
      GElf_Phdr header{};
      gelf_getphdr(elf_, static_cast<int>(i), &header);
      if (header.p_type == PT_TLS) return header.p_memsz;
    }
    return 0;
  }

  int fd_ = -1;
  Elf* elf_ = nullptr;
};

}  // namespace

TEST_F(Library, ExportsExactlyTheTable) {
  std::set<std::string> table = kTable;
  table.insert(kApi.begin(), kApi.end());
  EXPECT_EQ(exports(), table);
}

TEST_F(Library, NeedsLibcAndTheLoaderOnly) {
  if (SOCKTRACK_SANITIZED) GTEST_SKIP() << "sanitizers bring their runtime";
  for (const std::string& name : needed()) {
    EXPECT_TRUE(name == "libc.so.6" || name.rfind("ld-linux", 0) == 0) << name;
  }
}

TEST_F(Library, KeepsThreadLocalStorageSmall) { EXPECT_LE(tls_size(), 64u); }

TEST(Table, EveryNameIsInThisLibc) {
  for (const std::string& name : kTable) EXPECT_NE(dlsym(RTLD_DEFAULT, name.c_str()), nullptr) << name;
}

// One hook makes the call of the other: right only while libc has one function under both names.
TEST(Table, AliasesAreOneFunctionInThisLibc) {
  void* libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  ASSERT_NE(libc, nullptr);
#define ENTRY(...)
#define ALIAS(name, of, kind) EXPECT_EQ(dlsym(libc, #name), dlsym(libc, #of)) << #name;
#include "preload/entrypoints.def"
}
