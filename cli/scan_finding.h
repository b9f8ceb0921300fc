// What one socket looks like from outside, and what to do about it. Pure functions.
#pragma once

#include <string>

#include "cli/namespace_sockets.h"
#include "cli/preflight.h"
#include "cli/scan.h"

namespace socktrack {

// `holders`: how many processes hold it. `grace_s`: younger ones may be closed any moment.
ScanFinding finding_of(const DeadSocket& socket, std::size_t holders, double grace_s);

// "TLS close_notify", "TLS ClientHello": what the bytes before the FIN probably are; "" = no idea.
std::string note_of(ScanFinding finding, const DeadSocket& socket);

// What to do next, as a sentence or two; "" = nothing.
std::string advice_for(const ScanProcess& process, const ScanGroup& group, const Preflight& preflight);

// About the descriptor limit; "" = there is room.
std::string limit_advice(const ScanProcess& process);

}  // namespace socktrack
