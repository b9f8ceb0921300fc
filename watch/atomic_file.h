// A file that is there whole or not at all.
#pragma once

#include <string>
#include <string_view>

namespace socktrack {

// Made beside its target under a name that nobody can guess (0600), so that a place that cannot be written to
// is found at once. Removed again unless committed. Where something fails, errno says what.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  bool is_open() const { return descriptor_ >= 0; }
  // Writes `text` and puts the file in the place of its target: a symlink there is replaced, not followed.
  // False: the target is as it was.
  bool commit(std::string_view text);

 private:
  std::string target_, temporary_;
  int descriptor_ = -1;
};

// Returns "" or a sentence saying what failed.
std::string write_file_atomically(const std::string& path, std::string_view text);

}  // namespace socktrack
