// Where the preload library of this command lies.
#pragma once

#include <string>

namespace socktrack {

inline constexpr const char* kLibraryName = "libsocktrack.so";

// The absolute path, symbolic links resolved: $SOCKTRACK_LIBRARY if set, else beside the command in the
// build tree or in the installation. "" if it cannot be found; `problem` then says so as a sentence. A
// path that LD_PRELOAD cannot hold (blank or colon) is a problem as well.
std::string find_library(std::string& problem);

// The same file with the loader's $LIB in its path, where its place allows that; else "".
//   glibc puts the name of its library directory there. musl and 32-bit programs find nothing under the name,
//   and start without the library where they would refuse to start with it: children of any kind are safe.
std::string spelling_for_glibc_only(const std::string& library);

}  // namespace socktrack
