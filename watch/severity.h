// Is a group a leak, or only worth knowing? One rule for the report, for --fail-on-leak and for what a
// program is told of itself. Pure functions: no call, no clock, no allocation.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

enum class Severity : std::uint8_t { leak, info };

// Of the sizes a group had over time.
enum class Trend : std::uint8_t { unknown, growing, steady, shrinking };

Trend trend_of(const Group& group);

// Sockets of the group that were neither closed late nor taken back.
std::uint64_t still_accused(const Group& group);

//   Hazard: a pool keeps dead connections until it wants to use them again, notices, and closes them: no
//   leak, though each of them lies there longer than the grace. A small leak in a short test run also
//   "holds its size". Rule: verdicts that name a leak are leaks, unless the program itself has shown that it
//   closes such sockets: at least kReuses late closes, no fewer than sockets that lie there now, and no
//   growth.
Severity severity_of(const Group& group);
inline constexpr std::uint32_t kReuses = 3;

// What counts for `sockets.leaked` and --fail-on-leak.
std::uint64_t leaked_in(const Group& group);

// ... of all groups of a recording in this memory.
std::uint64_t leaked_in(const Header& recording);

// Adds the present size to the group's history, unless the last entry is too young for its step.
void note_size(Group& group, std::uint64_t now_ns);

const char* name_of(Severity severity);
const char* name_of(Trend trend);

}  // namespace socktrack
