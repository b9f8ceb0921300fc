// Where recordings lie when nobody says where.
#pragma once

#include <string>
#include <vector>

namespace socktrack {

// The directory that recordings go to by default: $SOCKTRACK_OUTPUT, else $XDG_RUNTIME_DIR/socktrack,
// else /run/socktrack for root. "" for users without any of these: each of their programs then makes
// a directory of its own in /dev/shm, because a fixed name there could be taken by somebody else.
std::string default_recordings_dir();

// All directories to look into: the one above, else every /dev/shm/socktrack.* that is a directory of
// this user and of nobody else. May be empty; the directories need not exist.
std::vector<std::string> default_recordings_dirs();

}  // namespace socktrack
