// Evidence in shared memory: written word by word by the one sweep there is, and read meanwhile by whoever
// reports.
#pragma once

#include <cstring>

#include "socktrack/recording.h"

namespace socktrack {

// Hazard: a reader comes while the words are written, on aarch64 maybe before it sees the odd version.
// Consequence: the name of one process beside the number of another. Rule: words are released and acquired,
// so that whoever has read a new one finds another version afterwards.
inline void store_evidence(Evidence& shared, const EvidenceText& text) {
  std::uint32_t words[kEvidenceWords];
  std::memcpy(words, &text, sizeof words);
  shared.version.fetch_add(1, std::memory_order_acq_rel);
  for (std::size_t i = 0; i < kEvidenceWords; i++) shared.words[i].store(words[i], std::memory_order_release);
  shared.version.fetch_add(1, std::memory_order_release);
}

// False: it was being written.
inline bool load_evidence(const Evidence& shared, EvidenceText& text) {
  const std::uint32_t before = shared.version.load(std::memory_order_acquire);
  std::uint32_t words[kEvidenceWords];
  for (std::size_t i = 0; i < kEvidenceWords; i++) words[i] = shared.words[i].load(std::memory_order_acquire);
  if (before % 2 != 0 || shared.version.load(std::memory_order_relaxed) != before) return false;
  std::memcpy(&text, words, sizeof words);
  return true;
}

}  // namespace socktrack
