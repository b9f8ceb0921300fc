#include "preload/elf_symbols.h"

#include <gtest/gtest.h>
#include <sys/auxv.h>

#include <cstdlib>

namespace socktrack {
namespace {

dl_find_object module_of(void* address) {
  dl_find_object module{};
  EXPECT_EQ(_dl_find_object(address, &module), 0);
  return module;
}

TEST(ElfSymbols, FindsWhatDlsymFinds) {
  void* const wanted = dlsym(RTLD_DEFAULT, "getenv");
  const ExportedSymbol found = exported_symbol(module_of(wanted), "getenv");
  EXPECT_EQ(found.address, reinterpret_cast<std::uintptr_t>(wanted));
  EXPECT_GT(found.size, 0U);
}

// What new programs are bound to, where old ones have a version of their own.
TEST(ElfSymbols, FindsTheDefaultVersion) {
  void* const libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  ASSERT_NE(libc, nullptr);
  for (const char* name : {"realpath", "pthread_cond_wait", "posix_spawn", "regexec", "sched_setaffinity"}) {
    void* const wanted = dlsym(libc, name);
    EXPECT_EQ(exported_symbol(module_of(wanted), name).address, reinterpret_cast<std::uintptr_t>(wanted))
        << name;
  }
}

TEST(ElfSymbols, TellsThatAModuleHasNoSuchName) {
  const dl_find_object libc = module_of(dlsym(RTLD_DEFAULT, "getenv"));
  EXPECT_EQ(exported_symbol(libc, "_PyEval_EvalFrameDefault").address, 0U);
  EXPECT_EQ(exported_symbol(libc, "").address, 0U);
}

// The tables of the vDSO are not relocated; on aarch64 it is in every stack that a signal has interrupted.
TEST(ElfSymbols, ReadsTheVdso) {
  void* const vdso = reinterpret_cast<void*>(getauxval(AT_SYSINFO_EHDR));
  dl_find_object module{};
  if (vdso == nullptr || _dl_find_object(vdso, &module) != 0 || module.dlfo_link_map == nullptr)
    GTEST_SKIP() << "no vDSO that the loader knows";
  EXPECT_EQ(exported_symbol(module, "_PyEval_EvalFrameDefault").address, 0U);
}

}  // namespace
}  // namespace socktrack
