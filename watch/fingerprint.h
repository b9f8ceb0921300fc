// The name of a leak: the same on every host and in every run, and after code that has nothing to do with it
// was built anew (docs/decisions/0005-fingerprint.md).
#pragma once

#include <string>

#include "watch/recording_reader.h"
#include "watch/symbol_table_names.h"

namespace socktrack {

// Fingerprints of groups of a recording. Keeps what it has read of symbol tables. Opens files: only for a
// thread with a descriptor table of its own. Not thread-safe.
class Fingerprints {
 public:
  std::string of(const RecordingView& recording, const Group& group);  // 16 hex digits

 private:
  SymbolTableNames names_;
};

}  // namespace socktrack
