// Names that the program gives to its pools of connections (socktrack.h), kept in the recording.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::pools {

// The number of the pool `name`, 1 to kMaxPools; 0 if the table is full or its memory cannot be had.
std::uint32_t number_of(Header* recording, const char* name);

// In a forked child: the slots it takes over carry the numbers of its parent.
void copy(const Header* from, Header* to);

}  // namespace socktrack::pools
