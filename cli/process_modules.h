// Which file the code at an address of another process came from.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "socktrack/recording.h"

namespace socktrack {

// The executable mappings of a process as they were at construction. Files are opened as the process
// sees them (its mount namespace, files replaced on disk since) and only when an address asks for them.
class ProcessModules {
 public:
  explicit ProcessModules(int pid);

  // The module of an address, or nullptr for code without a file (JIT). The path is one that this process
  // can open where there is one, else it is the kernel's word for the mapping. Valid as long as this.
  const Module* at(std::uint64_t address);

 private:
  struct Mapping {
    std::uint64_t start = 0, end = 0, offset = 0, inode = 0;
    std::string path;
    const Module* module = nullptr;
  };
  static std::string openable_path(int pid, const Mapping& mapping);
  const Module* load(const Mapping& mapping);

  int pid_;
  std::vector<Mapping> mappings_;
  std::deque<Module> modules_;
};

}  // namespace socktrack
