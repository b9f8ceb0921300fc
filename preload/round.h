// One pass of the hand over all accused sockets: what may be done to each, and doing it. On the prober's
// thread.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::hand {

enum class Purpose : std::uint8_t {
  act,      // within the rate
  reclaim,  // a call of the program waits for a descriptor: close what may be closed, whatever the rate
  answer,   // a dry run: nothing is done
};

struct RoundResult {
  std::uint32_t acted = 0;
  std::uint64_t next_ready_ns = ~std::uint64_t{0};  // when the next one is old enough to be closed
};

// Stops before the next act when the settings in force are no longer those of `sequence`.
RoundResult run_round(Header* recording, const LadderPolicy& policy, std::uint32_t sequence, Purpose purpose);

bool is_stopped();  // hand.cpp
std::uint64_t realtime_ns();

}  // namespace socktrack::hand
