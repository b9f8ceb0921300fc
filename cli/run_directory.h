// The directory that the recordings of one run lie in.
#pragma once

#include <string>
#include <vector>

namespace socktrack {

// Always a real directory of this user that nobody else may write to, 0700 if made here.
class RunDirectory {
 public:
  // `asked`: where the user wants it, made if missing; "" = a new one of random name in
  // $XDG_RUNTIME_DIR/socktrack, /run/socktrack (root), or /dev/shm. Throws Failure (usage) with what is
  // wrong with the place.
  explicit RunDirectory(const std::string& asked);

  const std::string& path() const { return path_; }  // absolute
  bool is_private() const { return private_; }       // made for this run alone

  // The recordings of this run: those that were not there when it began. Throws RecordingError.
  std::vector<std::string> recordings() const;

  // Takes a private directory away with everything in it; leaves any other alone.
  void remove() const;

 private:
  std::string path_;
  bool private_ = false;
  std::vector<std::string> earlier_;
};

}  // namespace socktrack
