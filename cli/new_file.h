// A file that the user named for a report.
#pragma once

#include <optional>
#include <string>

#include "watch/atomic_file.h"

namespace socktrack {

// There whole or not at all. Made before the program is started, so that a place that cannot be written to is
// found in time.
class NewFile {
 public:
  // Throws Failure (usage) if the target cannot be made there, or is there and is no regular file:
  // replacing a link or a device is never what was meant.
  explicit NewFile(const std::string& target);

  // Writes the content and puts the file in the place of its target. Throws Failure (could not be done).
  void commit(const std::string& content);

 private:
  std::string target_;
  std::optional<AtomicFile> file_;
};

}  // namespace socktrack
