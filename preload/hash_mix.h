// Hashes of words: of addresses, lines and what identifies them. Not of secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace socktrack {

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 32U);
}

inline std::uint64_t mix_bytes(std::uint64_t hash, const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  std::uint64_t word = 0;
  std::size_t left = size;
  for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
    std::memcpy(&word, at, sizeof word);
    hash = mix(hash, word);
  }
  word = 0;
  std::memcpy(&word, at, left);
  return mix(mix(hash, word), size);
}

// For tables in which 0 means free.
constexpr std::uint64_t at_least_1(std::uint64_t hash) { return hash == 0 ? 1 : hash; }

}  // namespace socktrack
