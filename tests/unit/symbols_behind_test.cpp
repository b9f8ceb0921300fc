#include "preload/symbols_behind.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <iterator>

namespace socktrack {
namespace {

// Every name of the table; a function of which old programs have another version; one that is chosen by the
// processor.
constexpr WantedSymbol kWanted[] = {
#define ENTRY(ret, name, parameters, arguments, kind, raw) wanted_symbol(#name),
#include "preload/entrypoints.def"
    wanted_symbol("realpath"),
    wanted_symbol("memcpy"),
};
constexpr std::size_t kCount = std::size(kWanted);

TEST(SymbolsBehindUs, AreThoseThatDlsymFinds) {
  void* addresses[kCount] = {};
  EXPECT_EQ(find_symbols_behind_us(kWanted, kCount, addresses), 0U);
  for (std::size_t i = 0; i < kCount; i++)
    EXPECT_EQ(addresses[i], dlsym(RTLD_NEXT, kWanted[i].name)) << kWanted[i].name;
}

TEST(SymbolsBehindUs, AreLeftAloneWhereThereAreNone) {
  constexpr WantedSymbol kSome[] = {wanted_symbol("no_such_function"), wanted_symbol("getenv")};
  int own = 0;
  void* addresses[] = {&own, nullptr};
  EXPECT_EQ(find_symbols_behind_us(kSome, 2, addresses), 1U);
  EXPECT_EQ(addresses[0], &own);
  EXPECT_EQ(addresses[1], dlsym(RTLD_NEXT, "getenv"));
}

}  // namespace
}  // namespace socktrack
