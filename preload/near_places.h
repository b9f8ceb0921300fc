// Where an entry is looked for in a table that is addressed by a hash: in the first places of the table, then
// in all the others.
//
// Consequence of going anywhere at once: each of the first entries lies on a page of its own, and a page that
// is touched first costs 1 to 5 us (in a recording a system call). The 14 lines of a Java program's first
// stack cost 80 us more that way.
#pragma once

#include <cstdint>

namespace socktrack {

struct NearPlaces {
  std::uint32_t near;     // so many places at the start of the table are tried first
  std::uint32_t entries;  // of the whole table

  static constexpr std::uint32_t kNearProbes = 8;

  // The place to try at the `probe`th attempt. Entries never go away, so a free place ends a search.
  //   Hazard: the near places are soon all taken. Rule: later attempts are elsewhere.
  constexpr std::uint32_t at(std::uint64_t hash, std::uint32_t probe) const {
    if (probe < kNearProbes) return static_cast<std::uint32_t>((hash + probe) % near);
    return near + static_cast<std::uint32_t>((hash + probe - kNearProbes) % (entries - near));
  }
};

}  // namespace socktrack
