// Recordings that ended programs left behind, and how many of them may stay.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace socktrack {

struct RetentionLimits {
  std::uint64_t count = 200;
  std::uint64_t bytes = std::uint64_t{256} << 20U;  // as allocated on the disk
};

enum class Remove { no, yes };  // no: only tell

struct Removal {
  std::vector<std::string> removed;  // recordings and directories; with Remove::no: would be
  std::vector<std::string> failed;   // "PATH: why"
  std::uint64_t bytes = 0;           // of the removed
  std::uint64_t kept = 0;            // ended, within the limits
  std::uint64_t in_use = 0;          // may still be written
};

// Looks through `directories` and, in each, through the directories that `run` makes (run.*). Directories
// that are not real, belong to somebody else or may be written by others are left out; so is every file that
// is not regular, not this user's, or no recording. Missing directories are no error. Oldest go first, over
// all directories together.
Removal clean_recordings(const std::vector<std::string>& directories, const RetentionLimits& limits,
                         Remove remove);

// The same without a word, and quickly where there is nothing to do: for the start of a run.
void keep_within_limits(const std::vector<std::string>& directories, const RetentionLimits& limits = {});

// "200", "10K", "256M", "1G". False if it is none of these.
bool parse_size(const std::string& text, std::uint64_t& bytes);

}  // namespace socktrack
