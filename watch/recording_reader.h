// Reads a recording that may be live, truncated, corrupted, foreign or newer. Every offset, count and
// index is checked against the file before it is used; nothing of the file is trusted.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "socktrack/recording.h"

namespace socktrack {

// What is wrong with a file, as a sentence for people that names the file.
class RecordingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Nothing was ever recorded in it: it is being created this moment, or was prepared for a forked child that
// never needed it.
class RecordingNotBegun : public RecordingError {
 public:
  using RecordingError::RecordingError;
};

// A view of one recording: of a file (mapped read-only, owned by the view) or of memory of this process
// (borrowed). All areas lie inside the mapping. Counts are clamped to what fits.
class RecordingView {
 public:
  static RecordingView of_file(const std::string& path);                // throws RecordingError
  static RecordingView of_memory(const void* start, std::size_t size);  // throws RecordingError
  static RecordingView of_memory(const std::shared_ptr<const void>& memory,
                                 std::size_t size);  // ... and keeps it

  const Header& header() const { return *header_; }
  std::span<const Slot> slots() const { return slots_; }  // up to highest_slot
  std::span<const Group> groups() const { return groups_; }
  std::span<const Accusation> accusations() const { return accusations_; }
  const LadderControl& control() const { return *control_; }
  std::span<const GroupLadder> ladder() const { return ladder_; }  // one for each group
  const History& history() const { return *history_; }
  // nullptr when `index` is 0, out of range or not complete.
  const Site* site(std::uint32_t index) const;
  const Module* module(std::uint32_t index) const;
  // nullptr when `index` names none or it is not complete.
  const ManagedFrame* managed(std::uint64_t index) const;
  std::string_view function_of(const ManagedFrame& frame) const;
  std::string_view file_of(const ManagedFrame& frame) const;
  std::string thread_name(std::uint32_t tid) const;   // "" = not known (any more)
  std::string pool_name(std::uint32_t number) const;  // "" if there is no pool of that number
  const std::string& path() const { return path_; }

 private:
  std::shared_ptr<const void> mapping_;
  std::string path_;
  const Header* header_ = nullptr;
  std::span<const Slot> slots_;
  std::span<const Site> sites_;
  std::span<const Module> modules_;
  std::span<const Group> groups_;
  std::span<const Accusation> accusations_;
  std::span<const ThreadName> threads_;
  std::span<const ManagedFrame> managed_;
  std::string_view text_;
  std::span<const PoolName> pools_;
  const LadderControl* control_ = nullptr;
  std::span<const GroupLadder> ladder_;
  const History* history_ = nullptr;
};

// The recordings in `directory` (not below it), oldest first; or `path` itself if it is a file.
// Throws RecordingError if there is nothing of that name or it cannot be read.
std::vector<std::string> find_recordings(const std::string& path);

}  // namespace socktrack
