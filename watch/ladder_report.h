// What the mitigation ladder did, for the report.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "watch/recording_reader.h"

namespace socktrack {

struct LadderCount {
  std::string name;
  std::uint64_t count = 0;
};

// Of one group. Empty lists where the ladder never came to it.
struct GroupMitigation {
  std::vector<LadderCount> acted;    // sockets by rung: "park" 12
  std::vector<LadderCount> refused;  // sockets that are left alone, by reason: "duplicated" 3
  bool off_ladder = false;           // the program used one that had been acted on
  std::string used_by;               // ... by this call; "" = another than those we know by name
  bool is_empty() const { return acted.empty() && refused.empty() && !off_ladder; }
};

struct ProcessMitigation {
  std::string rung = "observe";                    // in force at the end, or now
  std::uint64_t reclaimed = 0, not_reclaimed = 0;  // calls that had found no descriptor
  std::uint64_t audit_lost = 0;
};

GroupMitigation mitigation_of(const RecordingView& recording, const Group& group);
ProcessMitigation mitigation_of(const RecordingView& recording);

// "park 12; left alone: duplicated 3"; "" if there is nothing to tell.
std::string text_of(const GroupMitigation& mitigation);

}  // namespace socktrack
