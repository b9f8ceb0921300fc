// From recordings to the report: counts, ages, names, fingerprints. Pure but for `names`.
#pragma once

#include "watch/names.h"
#include "watch/recording_reader.h"
#include "watch/report.h"

namespace socktrack {

// What only an observer outside the recording can know.
struct ProcessFate {
  bool running = false;            // the process of the recording still exists
  std::optional<int> exit_status;  // as waited for, 128+signal if killed
};

// Sockets in groups whose severity is that of a leak.
std::uint64_t leaks_in(const std::vector<LeakGroup>& groups);

ProcessReport build_process(const RecordingView& recording, const ProcessFate& fate, Names& names);

// The fingerprint of one group (watch/fingerprint.h; Fingerprints is quicker for many).
std::string fingerprint(const RecordingView& recording, const Group& group);

// Parts that others tell by as well.
std::vector<Frame> stack_at(const RecordingView& recording, std::uint32_t site, Names& names);
std::string time_text(std::uint64_t realtime_ns);  // UTC

}  // namespace socktrack
