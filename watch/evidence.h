// What was found beside the sockets of a group: who else holds them, what the thread does that ought to read.
#pragma once

#include <string>
#include <vector>

#include "watch/report.h"

namespace socktrack {

EvidenceFacts evidence_of(const Group& group);

// Sentences for people; names in them are other people's bytes.
std::vector<std::string> evidence_lines(const LeakGroup& group);

}  // namespace socktrack
