// The recordings that processes are writing now, wherever they lie: found by what the processes have mapped.
#pragma once

#include <string>
#include <vector>

namespace socktrack {

struct LiveRecording {
  int pid = 0;       // as this process sees it
  std::string path;  // a path under which this process can open it
};

// Of the processes whose memory this user may look into: root those of the host, others their own. Processes
// without a recording, or with one that is not a file any more, are left out.
std::vector<LiveRecording> live_recordings();

// Of one process; an empty path if it has none.
LiveRecording live_recording_in(int pid);

// Throws Failure with a sentence for people if it has none: no such process, not ours to look into, no
// library in it, no socket opened yet.
std::string live_recording_of(int pid);

}  // namespace socktrack
