// Hashes of words: of addresses, lines and what identifies them. Not of secrets.
#pragma once

#include <cstdint>

namespace socktrack {

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 32U);
}

// For tables in which 0 means free.
constexpr std::uint64_t at_least_1(std::uint64_t hash) { return hash == 0 ? 1 : hash; }

}  // namespace socktrack
