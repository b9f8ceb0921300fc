// A file that appears whole or not at all.
#pragma once

#include <string>

namespace socktrack {

// Made beside its target under a name that nobody can guess (0600), so that a place that cannot be written
// to is found before the program is started. Removed again unless committed.
class NewFile {
 public:
  // Throws Failure (usage) if the target cannot be made there, or is there and is no regular file:
  // replacing a link or a device is never what was meant.
  explicit NewFile(const std::string& target);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  // Writes the content and puts the file in the place of its target. Throws Failure (could not be done).
  void commit(const std::string& content);

 private:
  std::string target_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace socktrack
