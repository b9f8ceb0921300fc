// The course of a run as a reader sees it: from the first socket to the end, or to the latest look.
#pragma once

#include <cstdint>
#include <vector>

#include "watch/report.h"

namespace socktrack {

class RecordingView;

// `latest` is where the counts stand at `latest_ns` (CLOCK_MONOTONIC); its time is not used.
std::vector<TimelinePoint> timeline_of(const RecordingView& recording, const TimelinePoint& latest,
                                       std::uint64_t latest_ns);

}  // namespace socktrack
