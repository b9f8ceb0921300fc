// The recording of this process, to be read by threads of ours.
#pragma once

#include "watch/recording_reader.h"

namespace socktrack {

// A copy of the pages that were made; the others read as zeros.
//   Hazard: a reader walks over places nobody wrote. On a file system that has filled up a page that was
//   never made cannot be, not even to be read: SIGBUS in the program. And while there is room, reading would
//   take it.
// Throws as RecordingView::of_memory does.
RecordingView snapshot_of_recording();

}  // namespace socktrack
