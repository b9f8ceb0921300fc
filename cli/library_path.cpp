#include "cli/library_path.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace socktrack {
namespace {

namespace fs = std::filesystem;

// Build tree, then the library directories that installations know.
constexpr const char* kInstalled = "../" SOCKTRACK_LIBDIR;
const std::vector<const char*> kPlaces = {"../preload", kInstalled, "../lib", "../lib64", "."};

std::string usable(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return !error && fs::is_regular_file(real, error) && access(real.c_str(), R_OK) == 0 ? real.string() : "";
}

std::string look_beside_the_command() {
  std::error_code error;
  const fs::path command = fs::read_symlink("/proc/self/exe", error);
  for (const char* place : kPlaces) {
    if (std::string found = usable(command.parent_path() / place / kLibraryName); !found.empty())
      return found;
  }
  return "";
}

// What glibc makes of $LIB: Debian, Fedora, the rest.
const std::vector<std::string> kLibraryDirectories = {"lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu",
                                                      "lib64", "lib"};

}  // namespace

std::string spelling_for_glibc_only(const std::string& library) {
  const fs::path directory = fs::path(library).parent_path();
  const std::string name = fs::path(library).filename().string();
  for (const std::string& each : kLibraryDirectories) {
    std::error_code error;
    if (fs::exists(directory / each / name, error)) return directory.string() + "/$LIB/" + name;
    if (directory.string().ends_with("/" + each))
      return directory.string().substr(0, directory.string().size() - each.size()) + "$LIB/" + name;
  }
  return "";
}

std::string find_library(std::string& problem) {
  const char* asked = std::getenv("SOCKTRACK_LIBRARY");
  const bool is_asked = asked != nullptr && *asked != '\0';
  std::string library = is_asked ? usable(asked) : look_beside_the_command();
  if (library.empty()) {
    problem = is_asked ? "SOCKTRACK_LIBRARY=" + std::string(asked) + " is not a file that can be read."
                       : std::string(kLibraryName) +
                             " is not where this command was installed; "
                             "SOCKTRACK_LIBRARY can name it.";
    return "";
  }
  // The loader splits LD_PRELOAD at these and expands '$', and has no way to quote them.
  if (library.find_first_of(" :\t\n$") != std::string::npos) {
    problem = "The library lies at " + library + ": LD_PRELOAD cannot hold a path with a blank, ':' or '$'.";
    return "";
  }
  return library;
}

}  // namespace socktrack
