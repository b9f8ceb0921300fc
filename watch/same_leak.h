// One leak is one group in a report, although stacks differ far from where it happens: the depth of a
// recursion, a coroutine's caller, the request behind it.
#pragma once

#include <cstddef>
#include <vector>

#include "watch/report.h"

namespace socktrack {

// Puts groups together that have the same verdict, severity, error, operation and fingerprint, and whose
// stacks tell the same two lines. What is counted is added up; ages are those of the oldest; `median_s` is
// the median of the parts' medians, by their counts; samples are kept up to `most_sockets`.
void merge_same_leaks(std::vector<LeakGroup>& groups, std::size_t most_sockets);

}  // namespace socktrack
