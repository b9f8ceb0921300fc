// The words of the recording's numbers: verdicts, operations, TCP states, blind spots. Static strings,
// safe anywhere.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

const char* name_of(Verdict verdict);            // "eof_not_closed"
const char* name_of(Operation operation);        // "recv"; "" for none
const char* name_of(Language language);          // "java"; "" if unknown
const char* name_of(LineRole role);              // "awaiting"; "" if running
const char* name_of(BlindSpot spot);             // "table_full"
const char* sentence_of(BlindSpot spot);         // one sentence for people
const char* tcp_state_name(std::uint8_t state);  // "CLOSE_WAIT" for TCP_CLOSE_WAIT; "?" if unknown
// UNIX streams know no such states: "PEER_CLOSED", "SHUT_DOWN" in both directions by us, "UNCONNECTED".
const char* unix_state_name(std::uint8_t state, bool was_connected);
const char* errno_name(std::uint16_t error);  // "ECONNRESET"; "" for 0

// The one-sentence hint under a group.
const char* hint_for(Verdict verdict);

// True for the verdicts that count as leaks (sockets.leaked, --fail-on-leak): the program was told
// that the connection is over, or gave up on it, and did not close. The others are findings to look
// at (an idle pool, a stuck worker), never a failed build.
bool is_leak(Verdict verdict);

}  // namespace socktrack
