// Places in code whose line is interned already: asking a runtime for names costs more than all else.
//
// Lock-free, no allocation. Entries are written once and stay; when there is no room, a runtime is asked
// again.
#pragma once

#include <cstdint>

namespace socktrack::managed {

struct KnownLine {
  std::uint32_t index;     // of the managed frame; 0 = nothing to show
  bool collects;           // the collector's doing
  std::uint8_t note;       // the reader's own
  std::uint64_t identity;  // what tells it from others where stacks are compared
};

// False: not known. `place` is a hash of all that makes the place, not 0.
bool recall_line(std::uint64_t place, KnownLine& line);
void keep_line(std::uint64_t place, const KnownLine& line);

}  // namespace socktrack::managed
