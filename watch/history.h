// How samples come into the course of a run (socktrack/history.h). Pure functions but for touch(): no call,
// no clock, no allocation. What a reader makes of it: watch/timeline.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

struct Moment {
  std::uint64_t at_ns = 0;
  std::uint64_t live = 0, leaked = 0, mitigated = 0;
  std::uint64_t fds_open = 0;  // 0 = not known
};

// Sockets of the program that are tracked and not closed.
std::uint64_t live_in(const Header& recording);

// Adds a sample, unless the last one is too young. `touch` makes memory usable before it is written; if it
// cannot, nothing is added. One writer at a time.
void note_moment(History& history, const Moment& moment, bool (*touch)(const void* at, std::size_t size));
inline constexpr std::uint64_t kHistoryFirstStepNs = 50'000'000;

}  // namespace socktrack
