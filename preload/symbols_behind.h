// What lies behind us under many names at once: dlsym(RTLD_NEXT, name) for all of them, in one pass over the
// modules that the loader searches after us. dlsym locks, hashes the name and starts over for each name,
// which was a third of what the library added to the start of a program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/elf_symbols.h"

namespace socktrack {

// By value: pointers to the names would be relocated in every program, at each start.
struct WantedSymbol {
  char name[24];
  std::uint32_t hash;
};

template <std::size_t N>
consteval WantedSymbol wanted_symbol(const char (&name)[N]) {
  static_assert(N <= sizeof(WantedSymbol::name));
  WantedSymbol wanted{{}, gnu_hash(std::string_view(name, N - 1))};
  for (std::size_t i = 0; i < N; i++) wanted.name[i] = name[i];
  return wanted;
}

inline constexpr std::size_t kMostWanted = 128;

// Writes addresses[i] where wanted[i] was found, and leaves it alone elsewhere. Returns how many were not
// found.
unsigned find_symbols_behind_us(const WantedSymbol* wanted, std::size_t count, void** addresses);

}  // namespace socktrack
