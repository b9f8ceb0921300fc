// The words of the mitigation ladder. Static strings, safe anywhere.
#pragma once

#include <cstdint>
#include <string_view>

#include "socktrack/ladder.h"

namespace socktrack {

const char* name_of(Rung rung);            // "park"
const char* name_of(Refusal refusal);      // "duplicated"; "" for none
const char* sentence_of(Refusal refusal);  // "the program has another descriptor of it"

bool parse_rung(std::string_view text, Rung& rung);

// "10/s", "100/m", "600/h"; a bare number is per second. False if it is none of these, or no action at all.
bool parse_rate(std::string_view text, std::uint64_t& per_hour);

// "80%" or "80": 1 to 100. "0" or "off" is always.
bool parse_percent(std::string_view text, std::uint8_t& percent);

// "all", or fingerprints of 16 hex digits with commas between them. Replaces what was allowed.
bool parse_allowed(std::string_view text, LadderPolicy& policy);

// True if nothing at all is allowed, so that no rung could ever act.
bool allows_nothing(const LadderPolicy& policy);

}  // namespace socktrack
