// A file that is there whole or not at all.
#pragma once

#include <string>
#include <string_view>

namespace socktrack {

// Writes `text` to a new file (0600) beside `path` and renames it over `path`. A symlink at `path` is
// replaced, not followed. Returns "" or a sentence saying what failed.
std::string write_file_atomically(const std::string& path, std::string_view text);

}  // namespace socktrack
